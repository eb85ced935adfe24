import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLab, type VaultLab } from '../../../test/support/vault-lab.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { OnRequest } from '../../sources/vault/requests.ts';
import { VaultSource } from '../../sources/vault/source.ts';
import { integration, lab, names, SYS } from './test-support.ts';

/** The lists against a real server. */
let vault: VaultLab;
beforeAll(async () => {
  vault = await startLab();
});
afterAll(async () => vault.close());

const login = (token: string) => ({
  metadata: {
    ...{ name: 'login', namespace: SYS, uid: 'u', resourceVersion: '1' },
    annotations: { 'fairlead.dev/vault-host': vault.bao.address },
  },
  type: 'fairlead.dev/vault-credentials',
  data: { token: btoa(token), secretId: btoa('planted-id') },
});

function desk(token: string, some: Parameters<typeof integration>[], onRequest: OnRequest = () => undefined) {
  const source = new VaultSource({ clock: systemClock, random: Math.random, onRequest });
  const host = vault.bao.address;
  const { call } = lab({
    clock: systemClock,
    integrations: some.map(([name, more]) => integration(name, { host, ...more })),
    credentials: [login(token)],
    allowed: { vaultHosts: [host], allowHttp: true },
    vault: async (target, signal, notBefore) => source.read(target, { signal, notBefore }),
  });
  return { call, stop: async () => source.stop(AbortSignal.timeout(2_000)) };
}

it('shows names and never values, and says of each integration that it cannot read why', async () => {
  await vault.put('secret/data/app', {
    'b key': 'planted-1',
    a: { nested: 'planted-2' },
    'x/y': 'planted-3',
  });
  await vault.policy('app', 'secret/data/app');
  const token = await vault.token({ policies: ['app'], no_default_policy: true });
  const { call, stop } = desk(token, [
    ['app'],
    ['denied', { path: 'secret/data/denied' }],
    ['closed', { host: 'http://127.0.0.1:1' }],
  ]);
  const { items, warnings = [] } = await call('list');
  expect(names(items)).toEqual(['team-a vault:app:a', 'team-a vault:app:b key', 'team-a vault:app:x%2Fy']);
  expect(JSON.stringify([items, warnings])).not.toContain('planted');
  expect(warnings).toHaveLength(2);
  expect(warnings.join('\n')).toMatch(/VaultIntegration denied: PermissionDenied: /);
  await expect(call('get', { name: 'vault:app:b key' })).resolves.toBeDefined();
  await expect(call('get', { name: 'vault:app:c' })).rejects.toMatchObject({ code: 'NotFound' });
  await expect(call('get', { name: 'vault:denied:c' })).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  await stop();
});

it('never uses up a wrapping token', async () => {
  const { roleId } = await vault.appRole('robot', { token_policies: 'app' });
  const requests: string[] = [];
  const appRole = { roleId, secretIdRef: { name: 'login', key: 'secretId' }, wrapped: true };
  const { call, stop } = desk('', [['app', { auth: { appRole } }]], ({ operation }) =>
    requests.push(operation),
  );
  expect((await call('list')).warnings).toEqual([expect.stringContaining('good for one use')]);
  expect(requests).toEqual([]);
  await stop();
});

it('a thousand lists at once cost a handful of reads', async () => {
  await vault.put(
    'secret/data/app',
    Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, 'planted'])),
  );
  const token = await vault.token({ policies: ['app'], no_default_policy: true });
  const requests: string[] = [];
  const { call, stop } = desk(token, [['app']], ({ operation }) => requests.push(operation));
  const lists = await Promise.all(Array.from({ length: 1_000 }, async () => call('list')));
  for (const { items, warnings } of lists) expect([items.length, warnings]).toEqual([50, []]);
  expect(requests.filter((operation) => operation === 'read').length).toBeLessThanOrEqual(5);
  await stop();
});
