import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/aggregation/resource.ts';
import { MAX_VALUE_BYTES } from '../../src/api/secret-key.ts';
import { keysLab, storeSecret, type KeysLab, type KeysReplica } from '../support/keys-lab.ts';
import { until } from '../support/cluster.ts';
import { SYSTEM } from '../support/platform.ts';

let lab: KeysLab;
let one: KeysReplica;
let two: KeysReplica;
let ann: Caller;
const DOMAINS = [...['writers', 'dry', 'fresh', 'fixed', 'typed', 'sizes', 'others'].map((d) => `ks-${d}`)];
beforeAll(async () => {
  lab = await keysLab('keys-store');
  ann = await lab.writer('keys-ann', DOMAINS);
  [one, two] = await Promise.all([lab.replica(), lab.replica()]);
});
afterAll(async () => lab?.stop());

const nameOf = (domain: string, key: string) => `kubernetes:${domain}:${key}`;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
/** kubectl's own patch of the Secret, as an administrator or a GitOps tool would write it. */
const patchStore = async (domain: string, stringData: object) =>
  lab.k.run(
    'patch',
    'secret',
    storeSecret(domain),
    '-n',
    SYSTEM,
    '--type=merge',
    '-p',
    JSON.stringify({ stringData }),
  );

/** As a client does that is told to come again: nothing was written then. */
async function putUntilTaken(
  replica: KeysReplica,
  namespace: string,
  name: string,
  value: string,
): Promise<void> {
  await until(`${name} to be taken`, async () => {
    try {
      return await replica.put(ann, namespace, name, value);
    } catch (error) {
      if (['ServiceUnavailable', 'Conflict'].includes((error as { code: string }).code)) return undefined;
      throw error;
    }
  });
}

describe('many who write to one store', () => {
  it('lose nothing: two replicas, and others who write the Secret itself', async () => {
    const domain = 'ks-writers';
    const namespace = await lab.namespace(domain);
    await lab.store(domain, { before: 'before' });
    const wanted = new Map(numbers(120).map((i) => [`key_${i}`, `value ${i}`]));
    const writes = [...wanted].map(async ([key, value], i) =>
      putUntilTaken(i % 2 === 0 ? one : two, namespace, nameOf(domain, key), value),
    );
    const direct = numbers(8).map(async (i) => patchStore(domain, { [`direct_${i}`]: 'direct' }));
    await Promise.all([...writes, ...direct]);
    const stored = await lab.stored(domain);
    const others = Object.fromEntries(numbers(8).map((i) => [`direct_${i}`, 'direct']));
    expect(stored).toEqual({ before: 'before', ...Object.fromEntries(wanted), ...others });
  });

  it('of one key are told that they were not the first: one of them is', async () => {
    const domain = 'ks-writers';
    const namespace = await lab.namespace(domain);
    const tries = numbers(20).map(async (i) =>
      (i % 2 === 0 ? one : two).put(ann, namespace, nameOf(domain, 'same'), `value ${i}`).then(
        () => i,
        (error: unknown) => (error as { code: string }).code,
      ),
    );
    const outcomes = await Promise.all(tries);
    const [winner, ...more] = outcomes.filter((outcome) => typeof outcome === 'number');
    expect(more).toEqual([]);
    expect(new Set(outcomes)).toEqual(new Set([winner, 'AlreadyExists']));
    expect((await lab.stored(domain))?.['same']).toBe(`value ${winner}`);
  });

  it('make the store together where there is none yet', async () => {
    const domain = 'ks-fresh';
    const namespace = await lab.namespace(domain);
    expect(await lab.stored(domain)).toBeUndefined();
    await Promise.all(
      numbers(10).map(async (i) =>
        putUntilTaken(i % 2 === 0 ? one : two, namespace, nameOf(domain, `k${i}`), `${i}`),
      ),
    );
    expect(await lab.stored(domain)).toEqual(Object.fromEntries(numbers(10).map((i) => [`k${i}`, `${i}`])));
    const { type } = await lab.k.get('secret', SYSTEM, storeSecret(domain));
    expect(type).toBe('Opaque');
  });
});

describe('a key', () => {
  it('is created, found, replaced and deleted; values go in and never come out', async () => {
    const domain = 'ks-others';
    const namespace = await lab.namespace(domain);
    const name = nameOf(domain, 'a.b_c-1');
    const value = ' planted ä🔑\n"\u0001';
    const answers = [await one.put(ann, namespace, name, value)];
    const list = async () => one.call('list', ann, { namespace });
    expect((await list()).items.map(({ metadata }) => metadata.name)).toContain(name);
    answers.push(await two.call('get', ann, { namespace, name }));
    expect(await lab.stored(domain)).toEqual({ 'a.b_c-1': value });

    const body = { spec: { value: 'planted again' } };
    answers.push(await two.call('update', ann, { namespace, name, body }));
    expect(await lab.stored(domain)).toEqual({ 'a.b_c-1': 'planted again' });
    answers.push(await one.call('delete', ann, { namespace, name }));
    expect(await lab.stored(domain)).toEqual({});
    await expect(two.call('get', ann, { namespace, name })).rejects.toMatchObject({ code: 'NotFound' });
    expect((await list()).items.map(({ metadata }) => metadata.name)).not.toContain(name);
    for (const verb of ['update', 'delete'] as const) {
      await expect(one.call(verb, ann, { namespace, name, body })).rejects.toMatchObject({
        code: 'NotFound',
      });
    }
    expect(JSON.stringify(answers)).not.toContain('planted');
  });

  it('that is written leaves all else of the Secret as it is', async () => {
    const domain = 'ks-others';
    const namespace = await lab.namespace(domain);
    const metadata = { name: storeSecret(domain), namespace: SYSTEM };
    const labels = { team: 'data' };
    const data = { binary: Buffer.from([0, 255, 128, 10]).toString('base64'), ['__proto__']: '' };
    await lab.k.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { ...metadata, labels, annotations: { note: 'ä' } },
      data,
    });
    await one.put(ann, namespace, nameOf(domain, 'new'), 'x');
    const found = await lab.k.get('secret', SYSTEM, metadata.name);
    expect(found.metadata.labels).toEqual(labels);
    expect(found.metadata.annotations).toMatchObject({ note: 'ä' });
    expect(found.data).toEqual({ ...data, new: 'eA==' });
    await one.call('delete', ann, { namespace, name: nameOf(domain, '__proto__') });
    expect(Object.keys((await lab.stored(domain)) ?? {}).toSorted()).toEqual(['binary', 'new']);
  });
});

describe('a dry run', () => {
  it('says what would happen, and nothing does', async () => {
    const domain = 'ks-dry';
    const namespace = await lab.namespace(domain);
    const name = nameOf(domain, 'a');
    expect((await one.put(ann, namespace, name, 'x', true)).object.metadata.name).toBe(name);
    expect(await lab.stored(domain)).toBeUndefined();
    await one.put(ann, namespace, name, 'x');
    const dry = { namespace, name, dryRun: true };
    await expect(one.put(ann, namespace, name, 'y', true)).rejects.toMatchObject({ code: 'AlreadyExists' });
    await one.call('update', ann, { ...dry, body: { spec: { value: 'y' } } });
    await one.call('delete', ann, dry);
    expect(await lab.stored(domain)).toEqual({ a: 'x' });
  });
});

describe('a store that cannot be written', () => {
  it('since it is immutable', async () => {
    const domain = 'ks-fixed';
    const namespace = await lab.namespace(domain);
    await lab.store(domain, { a: 'x' });
    await lab.k.run('patch', 'secret', storeSecret(domain), '-n', SYSTEM, '-p', '{"immutable":true}');
    await expect(one.put(ann, namespace, nameOf(domain, 'b'), 'y')).rejects.toMatchObject({
      code: 'Forbidden',
      message: expect.stringContaining('is immutable'),
    });
    expect(await lab.stored(domain)).toEqual({ a: 'x' });
  });

  it('since the Secret is none of ours', async () => {
    const domain = 'ks-typed';
    const namespace = await lab.namespace(domain);
    const metadata = { name: storeSecret(domain), namespace: SYSTEM };
    await lab.k.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'example.com/other',
      metadata,
      stringData: { a: 'x' },
    });
    await expect(one.put(ann, namespace, nameOf(domain, 'b'), 'y')).rejects.toMatchObject({
      code: 'Forbidden',
      message: expect.stringContaining('not of type Opaque'),
    });
    const name = nameOf(domain, 'a');
    await expect(one.call('get', ann, { namespace, name })).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('since it would be too large', async () => {
    const domain = 'ks-sizes';
    const namespace = await lab.namespace(domain);
    const value = 'x'.repeat(MAX_VALUE_BYTES);
    for (const i of numbers(8)) await one.put(ann, namespace, nameOf(domain, `k${i}`), value);
    await expect(one.put(ann, namespace, nameOf(domain, 'more'), 'y')).rejects.toMatchObject({
      code: 'Invalid',
      details: { causes: [{ field: 'spec.value' }] },
    });
    await expect(one.put(ann, namespace, nameOf(domain, 'long'), `${value}y`)).rejects.toMatchObject({
      code: 'Invalid',
    });
    expect(Object.keys((await lab.stored(domain)) ?? {})).toHaveLength(8);
  });

  it('since the names of its keys take more room than etcd has', async () => {
    const domain = 'ks-sizes';
    const namespace = await lab.namespace(domain);
    const names = numbers(2_500).map((i) => `${i}`.padStart(250, 'k'));
    const data = Object.fromEntries(names.map((name) => [name, '']));
    const metadata = { name: storeSecret(domain), namespace: SYSTEM };
    await lab.k.run('delete', 'secret', metadata.name, '-n', SYSTEM, '--ignore-not-found');
    const { client } = one.deps;
    const secrets = { group: '', version: 'v1', plural: 'secrets', namespaced: true };
    await client.create(secrets, { type: 'Opaque', metadata, data });
    const value = 'x'.repeat(MAX_VALUE_BYTES);
    let refused: unknown;
    for (let i = 0; i < 8 && !refused; i += 1) {
      refused = await one.put(ann, namespace, nameOf(domain, `k${i}`), value).then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(refused).toMatchObject({ code: 'RequestEntityTooLarge' });
  });
});

it('the audit has an intent and an outcome of every write, and no value', async () => {
  await Promise.all([one.stop(), two.stop()]);
  const { text, lines, verdict } = await lab.audit();
  expect(verdict).toBe('whole');
  expect(text).not.toContain('planted');
  const writes = lines.filter(({ action, key }) => action === 'write-key' && key === 'key_0');
  expect(writes.map(({ outcome, reason }) => [outcome, reason])).toEqual([
    ['allowed', 'Intended'],
    ['allowed', 'Created'],
  ]);
});
