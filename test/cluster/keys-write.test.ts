import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { until, type Kube } from '../support/cluster.ts';
import {
  asUser,
  auditLines,
  listening,
  makeOwner,
  removePeople,
  secretKey,
  stored,
} from '../support/keys-product.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { bind, grant } from '../support/rbac.ts';

/** Keys that are written with the kubectl of this machine, with the rights of the ready-made roles. */

const DOMAIN = 'keys-kubectl-w';
let p: Platform;
let namespace: string;
/** Owner of the domain. */
let lead: Kube;
/** May list keys, and write none. */
let user: Kube;
const heard = listening();
const { both, refused, plant } = heard;

beforeAll(async () => {
  p = await platform('keys-write', { keysApi: true });
  namespace = await p.namespace(DOMAIN);
  await p.store(DOMAIN, { db_password: plant(), api_key: plant() });
  await makeOwner(p, { kind: 'User', name: 'kw-lead' }, DOMAIN, namespace);
  await bind(p.k, 'fairlead-domain-user', { kind: 'User', name: 'kw-user' }, namespace);
  await p.k.apply(reference('warehouse', namespace, { A: `KUBERNETES/${DOMAIN}/db_password` }));
  [lead, user] = [asUser(p, 'kw-lead'), asUser(p, 'kw-user')];
  const dry = secretKey(namespace, nameOf('x'), 'x');
  await until('the rights to be known', async () =>
    lead.both(['create', '--dry-run=server', '-f', '-'], dry),
  );
});
afterAll(async () => {
  if (p) await removePeople(p);
  await p?.stop();
});

const nameOf = (key: string) => `kubernetes:${DOMAIN}:${key}`;
const store = async () => stored(p, DOMAIN);

describe('kubectl create, replace and delete', () => {
  it('write and delete a key, and never say its value', async () => {
    const [first, second] = [plant(), plant()];
    const name = nameOf('made');
    await both(
      lead,
      ['create', '--dry-run=server', '-o', 'yaml', '-f', '-'],
      secretKey(namespace, name, first),
    );
    expect(await store()).not.toHaveProperty('made');
    const made = await both(lead, ['create', '-o', 'json', '-f', '-'], secretKey(namespace, name, first));
    expect(JSON.parse(made.stdout).spec).toEqual({
      secret: { key: 'made', source: { type: 'KUBERNETES', id: DOMAIN } },
    });
    expect((await store())['made']).toBe(first);
    expect(await refused(lead, ['create', '-f', '-'], secretKey(namespace, name, second))).toContain(
      '(AlreadyExists)',
    );

    await both(lead, ['replace', '--dry-run=server', '-f', '-'], secretKey(namespace, name, second));
    expect((await store())['made']).toBe(first);
    await both(lead, ['replace', '-o', 'yaml', '-f', '-'], secretKey(namespace, name, second));
    expect((await store())['made']).toBe(second);

    await both(lead, ['delete', 'secretkey', name, '-n', namespace, '--dry-run=server']);
    expect(await store()).toHaveProperty('made');
    await both(lead, ['delete', 'secretkey', name, '-n', namespace]);
    expect(await store()).not.toHaveProperty('made');
    expect(await refused(lead, ['replace', '-f', '-'], secretKey(namespace, name, second))).toContain(
      '(NotFound)',
    );
  });

  it.each<[string, string[]]>([
    ['apply', ['apply', '-o', 'yaml', '-f', '-']],
    ['create --save-config', ['create', '--save-config', '-o', 'yaml', '-f', '-']],
  ])('what %s notes about the object, with the value in it, is dropped', async (_, args) => {
    const value = plant();
    const { stdout, stderr } = await both(lead, args, secretKey(namespace, nameOf('applied'), value));
    expect(stdout + stderr).not.toContain('last-applied');
    expect((await store())['applied']).toBe(value);
    await both(lead, ['delete', 'sk', nameOf('applied'), '-n', namespace]);
  });

  it('the sample is refused, since it has no value, and unknown fields are found', async () => {
    const file = new URL('../../config/samples/keys/secret-key.yaml', import.meta.url);
    const key = parse(readFileSync(file, 'utf8'));
    const { secret } = key.spec;
    const own = { ...secret, source: { ...secret.source, id: DOMAIN } };
    const mine = { ...key, metadata: { name: nameOf('db_password'), namespace }, spec: { secret: own } };
    expect(await refused(lead, ['create', '-f', '-'], mine)).toMatch(/spec.value: .*the new value/);
    const typo = { ...secretKey(namespace, nameOf('typo')), spec: { valeu: plant() } };
    expect(await refused(lead, ['create', '--validate=strict', '-f', '-'], typo)).toContain(
      'unknown field "spec.valeu"',
    );
  });

  it('a key that references name is deleted with a warning: how many, and which, if they may be listed', async () => {
    const remove = ['delete', 'sk', nameOf('db_password'), '-n', namespace, '--dry-run=server'];
    const still = `Warning: 1 SecretReference still names key db_password of KUBERNETES/${DOMAIN}`;
    expect((await both(lead, remove)).stderr).toContain(`${still}: ${namespace}/warehouse`);
    await grant(
      p.k,
      'kw-blind',
      { kind: 'User', name: 'kw-blind' },
      [{ apiGroups: ['keys.fairlead.dev'], resources: ['secretkeys'], verbs: ['delete', 'get'] }],
      namespace,
    );
    await bind(p.k, `write-${DOMAIN}`, { kind: 'User', name: 'kw-blind' });
    const blind = await until('the rights', async () => both(asUser(p, 'kw-blind'), remove));
    expect(blind.stderr).toContain(still);
    expect(blind.stderr).not.toContain('warehouse');
  });

  it('is for those who may', async () => {
    expect(await refused(user, ['create', '-f', '-'], secretKey(namespace, nameOf('x'), plant()))).toContain(
      '(Forbidden)',
    );
    const can = async (k: Kube, verb: string, what = 'secretkeys.keys.fairlead.dev') =>
      k.run('auth', 'can-i', verb, what, '-n', namespace).catch(() => 'no\n');
    expect([
      await can(lead, 'create'),
      await can(lead, 'delete'),
      await can(user, 'list'),
      await can(user, 'update'),
    ]).toEqual([...['yes\n', 'yes\n', 'yes\n', 'no\n']]);
    expect(await can(user, 'create', 'connectiontests.keys.fairlead.dev')).toBe('yes\n');
  });

  it('of one key and of twenty others at the same time lose nothing', async () => {
    await both(lead, ['create', '-f', '-'], secretKey(namespace, nameOf('same'), plant()));
    const others = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`other_${i}`, plant()]));
    const all = Object.entries(others).map(([key, value]) => secretKey(namespace, nameOf(key), value));
    const lists = [0, 5, 10, 15].map((i) => ({ apiVersion: 'v1', kind: 'List', items: all.slice(i, i + 5) }));
    const last = plant();
    await Promise.all([
      ...lists.map(async (list) => both(lead, ['create', '-f', '-'], list)),
      both(lead, ['replace', '-f', '-'], secretKey(namespace, nameOf('same'), last)),
    ]);
    expect(await store()).toMatchObject({ ...others, same: last });
  });
});

it('the audit has who did what, and no value is seen anywhere', async () => {
  const lines = (await auditLines(p)).filter(({ key, actor }) => key === 'made' && actor?.name === 'kw-lead');
  const of = (action: string) =>
    lines.filter((line) => line.action === action).map(({ outcome, reason }) => `${outcome} ${reason}`);
  expect(of('write-key')).toEqual([
    ...['allowed DryRun', 'allowed Intended', 'allowed Created', 'allowed Intended', 'failed AlreadyExists'],
    ...['allowed DryRun', 'allowed Intended', 'allowed Updated', 'allowed Intended', 'failed NotFound'],
  ]);
  expect(of('delete-key')).toEqual(['allowed DryRun', 'allowed Intended', 'allowed Deleted']);
  await heard.nothingPlanted(p);
});
