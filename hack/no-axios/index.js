// security: node-vault loads axios, and uses it only for a client that brings no transport; ours always do. So neither
// axios nor what it pulls in is installed, here or in the image: package.json overrides it by this.
exports.create = () => {
  throw new Error('axios is not installed: a client of node-vault needs a transport');
};
