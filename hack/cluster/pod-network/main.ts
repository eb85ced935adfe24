/**
 * What a pod expects of its network and a node without kube-proxy and CoreDNS lacks: names of Services, and their
 * addresses. Both programs would need the machine's packet filter, which is not ours to change; this one listens on
 * addresses of the cluster's own bridge and nothing else. One process for each cluster with a node.
 */
import { adminClient } from '../api.ts';
import { serverUrl } from '../control-plane.ts';
import { ClusterError } from '../errors.ts';
import { readState } from '../state.ts';
import { serveDns } from './dns.ts';
import { resolve } from './names.ts';
import { ServiceProxy } from './proxy.ts';
import { servicesOf } from './services.ts';
import { watchServices } from './watch.ts';

const [dir = ''] = process.argv.slice(2);
const state = readState(dir);
if (state === undefined) throw new ClusterError('NOT_RUNNING', `no cluster in ${dir}`);
const admin = adminClient(dir, serverUrl(state));
const services = servicesOf(admin);
await serveDns(state.node.address, 53, async (name) => resolve(name, services));
const apiServer = { host: '127.0.0.1', port: state.ports['kube-apiserver'] };
const proxy = new ServiceProxy(services, apiServer, (line) => {
  console.log(line);
});
await watchServices(dir, serverUrl(state), admin, (all) => {
  proxy.sync(all);
});
