import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, until } from '../support/cluster.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { grant, named } from '../support/rbac.ts';
import { ensureSchemathesis, fuzz, type Exchange, type Fuzzed } from '../support/schemathesis.ts';
import { storeSecret } from '../support/keys-lab.ts';

/** The API for keys, through kube-apiserver, against its own OpenAPI document, by schemathesis. */

const DOMAIN = 'keys-fuzz';
const KEY = 'was_there';
const VALUE = 'planted-value';
const GROUP = 'keys-fuzzers';
const USER = 'keys-fuzz-';
/** Each may ask a hundred times at once, and test ten connections. */
const USERS = 64;
const KEYS = { apiGroups: ['keys.fairlead.dev'] };

let p: Platform;
let dir: string;
let namespace: string;
let pid: number;
let result: Fuzzed;

beforeAll(async () => {
  await ensureSchemathesis();
  p = await platform('keys-fuzz', { keysApi: true });
  dir = await scratch('keys-fuzz');
  namespace = await p.namespace(DOMAIN);
  await p.store(DOMAIN, { [KEY]: VALUE });
  await p.integration('keys-fuzz', { in_vault: VALUE }, { domains: [DOMAIN] });
  await rights();
  pid = p.fairlead.process('keys').pid;
  const { server, ca } = await apiServer();
  await until('the kinds in the document of the API server', async () =>
    (await document()).includes('ConnectionTest'),
  );
  result = await fuzz({
    ...{ server, ca, dir, seed: 20, examples: 30, document: await document() },
    token: (await p.k.run('create', 'token', 'fuzzer', '-n', namespace)).trim(),
    parts: {
      ...{ user: USER, users: USERS, group: GROUP, namespace, domain: DOMAIN, key: KEY },
      ...{ integration: 'keys-fuzz', host: p.vault.address, path: 'secret/data/keys-fuzz' },
      ...{ value: VALUE },
    },
  });
}, 15 * 60_000);

afterAll(async () => {
  await p?.k.run('delete', 'clusterrole,clusterrolebinding', '-l', 'test=keys-fuzz');
  await p?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** All users hold the same by their group; a ServiceAccount may speak for them. */
async function rights(): Promise<void> {
  const group = { kind: 'Group', name: GROUP } as const;
  await grant(p.k, 'keys-fuzz', group, [{ ...KEYS, resources: ['*'], verbs: ['*'] }], namespace);
  const create = { apiGroups: ['fairlead.dev'], resources: ['vaultintegrations'], verbs: ['create'] };
  const use = named('vaultintegrations', 'keys-fuzz', 'use', 'update');
  await grant(p.k, 'keys-fuzz', group, [create, use]);
  const users = Array.from({ length: USERS }, (_, i) => `${USER}${i}`);
  const speak = (resources: string, resourceNames: string[]) => ({
    ...{ apiGroups: [''], resources: [resources], resourceNames, verbs: ['impersonate'] },
  });
  const everywhere = [
    named('domains', DOMAIN, 'write'),
    { ...KEYS, resources: ['secretkeys'], verbs: ['list'] },
  ];
  const account = { kind: 'ServiceAccount', name: 'fuzzer', namespace };
  await p.k.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'fuzzer', namespace } },
    ...clusterWide('keys-fuzz', everywhere, { apiGroup: 'rbac.authorization.k8s.io', ...group }),
    ...clusterWide('keys-fuzz-speaker', [speak('users', users), speak('groups', [GROUP])], account),
  );
}

function clusterWide(name: string, rules: readonly object[], subject: object): object[] {
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name, labels: { test: 'keys-fuzz' } };
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name };
  return [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata, rules },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata, roleRef, subjects: [subject] },
  ];
}

async function apiServer(): Promise<{ server: string; ca: string }> {
  const view = await p.k.run('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json');
  const [{ cluster }] = JSON.parse(view).clusters;
  const ca = join(dir, 'ca.crt');
  await writeFile(ca, Buffer.from(cluster['certificate-authority-data'], 'base64'));
  return { server: cluster.server, ca };
}

const document = async () => p.k.run('get', '--raw', '/openapi/v3/apis/keys.fairlead.dev/v1alpha1');

/** What the store must hold now, by what was asked for and answered with success. */
function expected(exchanges: readonly Exchange[]): Record<string, string> {
  const store = new Map([[KEY, VALUE]]);
  for (const { method, operation, url, status, sent, answer } of exchanges) {
    const isKey = operation.includes('/secretkeys') && status < 300 && method !== 'GET';
    if (!isKey || isDry(url, method === 'DELETE' ? sent : '')) continue;
    if (method === 'DELETE') {
      store.delete(decodeURIComponent(new URL(url).pathname).split(':').at(-1) ?? '');
      continue;
    }
    const { spec } = JSON.parse(answer) as { spec: { secret: { key: string } } };
    store.set(spec.secret.key, (JSON.parse(sent) as { spec: { value: string } }).spec.value);
  }
  return Object.fromEntries(store);
}

/** Different values that were taken. */
function written(exchanges: readonly Exchange[]): Set<string> {
  const taken = exchanges.filter(
    ({ method, operation, status }) =>
      ['POST', 'PUT'].includes(method) && operation.includes('/secretkeys') && status < 300,
  );
  return new Set(taken.map(({ sent }) => (JSON.parse(sent) as { spec: { value: string } }).spec.value));
}

function isDry(url: string, options: string): boolean {
  const { dryRun = [] } = (options === '' ? {} : JSON.parse(options)) as { dryRun?: string[] | null };
  return new URL(url).searchParams.has('dryRun') || (dryRun ?? []).length > 0;
}

const count = (wanted: (exchange: Exchange) => boolean) => result.exchanges.filter(wanted).length;

describe('requests that are made up by the OpenAPI document', () => {
  it('are answered as it says, and never with a 5xx', () => {
    const failed = result.exchanges.filter(({ status }) => status >= 500);
    expect(failed.slice(0, 3)).toEqual([]);
    expect(result.report).toContain('No issues found');
    expect(result.ok).toBe(true);
  });

  it('got behind the first checks', () => {
    const done = (method: string, part: string) =>
      count((one) => one.method === method && one.operation.includes(part) && one.status < 300);
    for (const [method, part] of [
      ...[
        ['GET', '/{name}'],
        ['GET', '/secretkeys'],
        ['POST', '/secretkeys'],
        ['PUT', '/secretkeys'],
      ],
      ...[
        ['DELETE', '/secretkeys'],
        ['POST', '/connectiontests'],
      ],
    ] as const) {
      expect([method, part, done(method ?? '', part ?? '') > 2]).toEqual([method, part, true]);
    }
    expect(written(result.exchanges).size).toBeGreaterThan(4);
    expect(count(({ status }) => status === 429)).toBeLessThan(result.exchanges.length / 20);
  });

  it('left the role as it was', async () => {
    const role = p.fairlead.process('keys');
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect((await fetch(`${role.health}/readyz`)).status).toBe(200);
    expect(await role.logs()).not.toMatch(/HandlerFailed|uncaught|unhandled/i);
    expect(role.pid).toBe(pid);
  });

  it('left in the store just what was answered with success', async () => {
    const { data = {} } = await p.k.get('secret', SYSTEM, storeSecret(DOMAIN));
    const stored = Object.entries(data as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]);
    expect(Object.fromEntries(stored)).toEqual(expected(result.exchanges));
  });

  it('got no value in return', () => {
    expect(result.exchanges.filter(({ answer }) => answer.includes(VALUE))).toEqual([]);
  });
});
