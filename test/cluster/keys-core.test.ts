import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kube, scratch, until, type Kube } from '../support/cluster.ts';
import { servePlaceholder, type RunningPlaceholder } from '../support/keys-placeholder.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { grant } from '../support/rbac.ts';

/** The core of the API for keys behind the real kube-apiserver, with the kubectl of this machine and a placeholder. */

let p: Platform;
let dir: string;
let held: RunningPlaceholder;
let namespace: string;
/** Holds every verb on placeholders in the namespace. */
let writer: Kube;
/** May only list them. */
let reader: Kube;

beforeAll(async () => {
  p = await platform('keys-core', { keysApi: 'unserved' });
  dir = await scratch('keys-core');
  held = await servePlaceholder(p, dir);
  namespace = await p.namespace('keys-core');
  const rule = (...verbs: string[]) => [
    { apiGroups: ['keys.fairlead.dev'], resources: ['placeholders'], verbs },
  ];
  await grant(p.k, 'writer', { kind: 'User', name: 'writer' }, rule('*'), namespace);
  await grant(p.k, 'reader', { kind: 'User', name: 'reader' }, rule('list'), namespace);
  writer = kube(p.cluster, '--as=writer');
  reader = kube(p.cluster, '--as=reader');
  await until('the placeholder in discovery', async () =>
    (await p.k.run('api-resources', '--api-group=keys.fairlead.dev')).includes('placeholders'),
  );
});
afterAll(async () => {
  await held?.stop();
  await p?.stop();
  await rm(dir, { recursive: true, force: true });
});

const manifest = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'keys.fairlead.dev/v1alpha1',
  kind: 'Placeholder',
  metadata: { name, namespace, ...metadata },
  spec,
});
const put = (name: string, spec: object) =>
  void held.objects.set(`${namespace}/${name}`, { metadata: { name, namespace }, spec });
/** stdout and stderr of a kubectl command that is expected to succeed. */
const said = async (k: Kube, args: string[], stdin?: object) => k.both(args, stdin);

describe('kubectl', () => {
  it('finds the kind, without the verbs that the namespace controller would use', async () => {
    const wide = await p.k.run('api-resources', '--api-group=keys.fairlead.dev', '-o', 'wide');
    expect(wide).toMatch(
      /placeholders +ph +keys.fairlead.dev\/v1alpha1 +true +Placeholder +get,list,create,update/,
    );
    expect(await p.k.run('api-versions')).toContain('keys.fairlead.dev/v1alpha1');
  });

  it('creates, shows warnings, and is not told the value', async () => {
    const { stdout, stderr } = await said(
      writer,
      ['create', '-o', 'yaml', '-f', '-'],
      manifest('a:b', { value: 'hunter2' }),
    );
    expect(stderr).toContain('Warning: was "made"');
    expect(stdout).toContain('length: 7');
    expect(stdout + stderr).not.toContain('hunter2');
    expect(await writer.refused(['create', '-f', '-'], manifest('a:b', { value: 'x' }))).toContain(
      '(AlreadyExists)',
    );
  });

  it('gets, as a table, wide, as YAML, by name and by short name', async () => {
    put('one', { color: 'red', length: 3 });
    expect(await writer.run('get', 'ph', 'one', '-n', namespace)).toMatch(/^NAME +COLOR\s+one +red\s*$/);
    expect(await writer.run('get', 'ph', 'one', '-n', namespace, '-o', 'wide')).toMatch(
      /LENGTH\s+one +red +3/,
    );
    expect(await writer.run('get', 'placeholder', 'one', '-n', namespace, '-o', 'yaml')).toMatch(
      /^apiVersion: keys.fairlead.dev\/v1alpha1\nkind: Placeholder\n/,
    );
    expect(await writer.run('get', 'ph', '-n', namespace, '-o', 'name')).toContain(
      'placeholder.keys.fairlead.dev/one',
    );
    expect(await writer.refused(['get', 'ph', 'two', '-n', namespace])).toContain('(NotFound)');
    expect(await p.k.run('get', 'ph', '-A')).toMatch(new RegExp(`${namespace} +one +red`));
  });

  it('selects by fields; objects have no labels', async () => {
    put('blue', { color: 'blue', length: 1 });
    const get = async (...args: string[]) => writer.run('get', 'ph', '-n', namespace, '-o', 'name', ...args);
    expect(await get('--field-selector', 'spec.color=blue')).toBe('placeholder.keys.fairlead.dev/blue\n');
    expect(await get('--field-selector', 'spec.color!=blue')).not.toContain('/blue');
    expect(await get('-l', 'a=b')).toBe('');
    expect(await get('-l', 'a!=b')).toContain('/blue');
    const wrong = ['get', 'ph', '-n', namespace, '--field-selector', 'spec.length=1'];
    expect(await writer.refused(wrong)).toMatch(/BadRequest.*not selectable/);
  });

  it('goes through pages', async () => {
    for (let i = 0; i < 7; i++) put(`page-${i}`, { color: 'paged', length: i });
    const before = held.requests.length;
    const args = [
      'get',
      'ph',
      '-n',
      namespace,
      '--field-selector=spec.color=paged',
      '--chunk-size=3',
      '-o',
      'name',
    ];
    expect((await writer.run(...args)).split('\n')).toHaveLength(8);
    expect(held.requests.slice(before).map(({ limit }) => limit)).toEqual([3, 3, 3]);
  });

  it('dry-runs', async () => {
    await said(writer, ['create', '--dry-run=server', '-f', '-'], manifest('dry', { value: 'x' }));
    expect(held.requests.at(-1)).toMatchObject({ verb: 'create', dryRun: true });
    expect(held.objects.has(`${namespace}/dry`)).toBe(false);
    put('stays', { color: 'red', length: 1 });
    await writer.run('delete', 'ph', 'stays', '-n', namespace, '--dry-run=server');
    expect(held.objects.has(`${namespace}/stays`)).toBe(true);
  });

  it('is told of fields that nobody knows', async () => {
    const wrong = manifest('typo', { value: 'x', colour: 'red' });
    const strict = await writer.refused(['create', '--validate=strict', '-f', '-'], wrong);
    expect(strict).toContain('unknown field "spec.colour"');
    const { stderr } = await said(writer, ['create', '--validate=warn', '-f', '-'], wrong);
    expect(stderr).toContain('Warning: unknown field "spec.colour"');
    expect(await writer.refused(['create', '-f', '-'], manifest('bad', {}))).toContain('spec.value');
  });

  it('applies once, and what it notes about the object never arrives', async () => {
    await said(writer, ['apply', '-f', '-'], manifest('applied', { value: 'hunter2' }));
    expect(JSON.stringify(held.requests.at(-1)?.body)).not.toContain('last-applied');
    expect(
      await writer.refused(['patch', 'ph', 'applied', '-n', namespace, '-p', '{}', '--type=merge']),
    ).toContain('(MethodNotAllowed)');
  });

  it('replaces and deletes', async () => {
    put('two', { color: 'red', length: 1 });
    await said(writer, ['replace', '-f', '-'], manifest('two', { value: 'xyz', color: 'green' }));
    expect(held.objects.get(`${namespace}/two`)).toMatchObject({ spec: { color: 'green', length: 3 } });
    const { stdout, stderr } = await said(writer, ['delete', 'ph', 'two', '-n', namespace]);
    expect(stdout).toContain('deleted');
    expect(stderr).toContain('somebody may miss it');
    expect(held.objects.has(`${namespace}/two`)).toBe(false);
  });

  it('explains', async () => {
    await until('the OpenAPI document', async () => p.k.run('explain', 'placeholders'), {
      timeoutMs: 90_000,
    });
    expect(await p.k.run('explain', 'placeholders')).toMatch(/KIND: +Placeholder[\s\S]*Holds a place/);
    expect(await p.k.run('explain', 'placeholders.spec.value')).toContain('Write-only');
    expect(await p.k.run('explain', 'placeholders.metadata.name')).toContain('Unique');
  });

  it('cannot watch, nor delete all at once', async () => {
    expect(await writer.refused(['get', 'ph', '-n', namespace, '--watch-only'])).toContain(
      '(MethodNotAllowed)',
    );
    const path = `/apis/keys.fairlead.dev/v1alpha1/namespaces/${namespace}/placeholders`;
    expect(await writer.refused(['delete', '--raw', path])).toContain('(MethodNotAllowed)');
  });
});

describe('who may do what', () => {
  it('is what RBAC says', async () => {
    const can = async (k: Kube, verb: string) =>
      k.run('auth', 'can-i', verb, 'placeholders.keys.fairlead.dev', '-n', namespace).catch(() => 'no\n');
    expect([await can(reader, 'list'), await can(reader, 'create'), await can(writer, 'delete')]).toEqual([
      'yes\n',
      'no\n',
      'yes\n',
    ]);
    expect(await reader.refused(['create', '-f', '-'], manifest('z', { value: 'x' }))).toContain(
      '(Forbidden)',
    );
    expect(await reader.refused(['get', 'ph', '-A'])).toContain('(Forbidden)');
  });

  it('says who asked as kube-apiserver knows it', async () => {
    await kube(p.cluster, '--as=writer', '--as-group=a,b', '--as-uid=u1', '--as-user-extra=k=v').run(
      'get',
      'ph',
      '-n',
      namespace,
    );
    expect(held.requests.at(-1)?.caller).toEqual({
      user: 'writer',
      uid: 'u1',
      groups: ['a,b', 'system:authenticated'],
      extra: { k: ['v'] },
    });
  });

  it('lets nobody but kube-apiserver itself call what is for it alone', async () => {
    const path = '/apis/keys.fairlead.dev/v1alpha1/deletionwarnings';
    expect(await p.k.refused(['create', '--raw', path, '-f', '-'], {})).toContain('(Forbidden)');
  });

  it('lets kube-apiserver ask itself what to warn of before something is deleted', async () => {
    await p.store('doomed', { a: 'b' });
    const name = 'iomete-secret-store-doomed';
    const { stderr } = await p.k.both(['delete', 'secret', name, '-n', SYSTEM]);
    expect(stderr).toContain('Warning: it is in use');
    await p.k.run('create', 'secret', 'generic', 'other', '-n', SYSTEM);
    expect((await p.k.both(['delete', 'secret', 'other', '-n', SYSTEM])).stderr).toBe('');
  });
});

describe('the deletion of a namespace', () => {
  it('deletes nothing here (security 26)', async () => {
    const doomed = `${namespace}-doomed`;
    await p.k.run('create', 'namespace', doomed);
    held.objects.set(`${doomed}/kept`, { metadata: { name: 'kept', namespace: doomed }, spec: {} });
    const before = held.requests.length;
    await p.k.run('delete', 'namespace', doomed, '--timeout=60s');
    expect(held.requests.slice(before).filter(({ verb }) => verb === 'delete')).toEqual([]);
    expect(held.objects.has(`${doomed}/kept`)).toBe(true);
    held.objects.delete(`${doomed}/kept`);
  });
});
