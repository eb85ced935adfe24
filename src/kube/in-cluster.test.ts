import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestOptions } from 'node:https';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inCluster } from './in-cluster.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-in-cluster-'));
  folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
  await mkdir(folder, { recursive: true });
});
afterEach(async () => rm(root, { recursive: true, force: true }));

describe("a pod's own ServiceAccount", () => {
  it.each([
    ['10.96.0.1', '443', 'https://10.96.0.1:443'],
    ['fd00::1', '6443', 'https://[fd00::1]:6443'],
    ['api.example.com', undefined, 'https://api.example.com:443'],
  ])('leads to the server of %s and %s', (host, port, server) => {
    const env = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port };
    expect(inCluster(env).getCurrentCluster()).toEqual({ server });
  });

  it('is read again each time, since the kubelet replaces the files', async () => {
    const login = inCluster({}, root);
    for (const turn of ['one', 'two']) {
      await writeFile(join(folder, 'ca.crt'), `ca ${turn}`);
      await writeFile(join(folder, 'token'), `token-${turn}\n`);
      const options: RequestOptions = { headers: { other: 'x' } };
      await login.applyToHTTPSOptions(options);
      expect(String(options.ca)).toBe(`ca ${turn}`);
      expect(options.headers).toEqual({ other: 'x', authorization: `Bearer token-${turn}` });
    }
  });

  it('is refused while a file is missing', async () => {
    await writeFile(join(folder, 'ca.crt'), 'ca');
    await expect(inCluster({}, root).applyToHTTPSOptions({})).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is all that a role loads of Kubernetes clients', async () => {
    const src = new URL('../', import.meta.url).href;
    const roles = ['certificates', 'controller', 'keys'].map((role) => `${src}roles/${role}.ts`);
    const script = `
      import { registerHooks } from 'node:module';
      const seen = [];
      registerHooks({ load: (url, context, next) => { if (url.includes('/node_modules/')) seen.push(url); return next(url, context); } });
      for (const role of ${JSON.stringify(roles)}) await import(role);
      console.log(JSON.stringify([seen.length > 0, seen.filter((url) => url.includes('client-node')).length]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(JSON.parse(stdout)).toEqual([true, 0]);
  });
});
