import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('no role loads client-node until there is a kubeconfig', async () => {
  const src = new URL('../', import.meta.url).href;
  const roles = ['certificates', 'controller', 'keys'].map((role) => `${src}roles/${role}.ts`);
  const script = `
    import { registerHooks } from 'node:module';
    const seen = [];
    registerHooks({
      load: (url, context, next) => {
        if (url.includes('/node_modules/')) seen.push(url);
        return next(url, context);
      },
    });
    for (const role of ${JSON.stringify(roles)}) await import(role);
    console.log(JSON.stringify([seen.length > 0, seen.filter((url) => url.includes('client-node')).length]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  expect(JSON.parse(stdout)).toEqual([true, 0]);
});
