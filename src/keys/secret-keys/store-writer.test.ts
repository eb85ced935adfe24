import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../../test/support/fake-clock.ts';
import { KubeError, type KubeErrorCode } from '../../kube/errors.ts';
import { StoreWriter, type StoreWriterDependencies } from './store-writer.ts';
import type { Edit, StoreObject } from './write.ts';

const PLACE = { namespace: 'sys', name: 'stores-marketing' };
const source = { type: 'KUBERNETES', id: 'marketing' } as const;
const create = (key: string): Edit => ({ verb: 'create', key, source, value: key });
const error = (code: KubeErrorCode, status?: number) => new KubeError({ code, message: 'm', status });
const { signal } = new AbortController();
const options = { dryRun: false, signal };

/** One Secret with a resourceVersion, as an API server keeps it; `script` comes before each write. */
function desk(script: (attempt: number) => KubeError | 'other' | undefined = () => undefined) {
  const clock = new FakeClock();
  let stored: StoreObject | undefined;
  let version = 0;
  let writes = 0;
  const put = (object: object) => {
    version += 1;
    const next = object as StoreObject;
    stored = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
    return stored;
  };
  const write = async (object: object, isFree: (before: StoreObject | undefined) => boolean) => {
    await Promise.resolve();
    writes += 1;
    const next = script(writes);
    if (next instanceof KubeError) throw next;
    if (next === 'other') {
      const data = { ...stored?.data, [`other-${writes}`]: '' };
      put({ type: 'Opaque', metadata: PLACE, ...stored, data });
    }
    if (!isFree(stored)) throw error(stored ? 'Conflict' : 'NotFound', 409);
    return put(object);
  };
  const client = {
    get: async () => {
      await Promise.resolve();
      if (!stored) throw error('NotFound', 404);
      return stored;
    },
    create: async (_: unknown, object: object) =>
      write(object, (before) => {
        if (before) throw error('AlreadyExists', 409);
        return true;
      }),
    replace: async (_: unknown, object: object) => {
      const { resourceVersion } = (object as StoreObject).metadata;
      return write(object, (before) => before?.metadata.resourceVersion === resourceVersion);
    },
  } as unknown as StoreWriterDependencies['client'];
  const writer = new StoreWriter({ client, clock, random: () => 0.5 });
  return { clock, writer, keys: () => Object.keys(stored?.data ?? {}), writes: () => writes };
}

describe('the writer of a store', () => {
  it('lets writes take turns, so that they do not get into each other’s way', async () => {
    const { writer, keys, writes } = desk();
    const wanted = Array.from({ length: 100 }, (_, i) => `k${i}`);
    await Promise.all(wanted.map(async (key) => writer.write(PLACE, create(key), options)));
    expect(keys().toSorted()).toEqual(wanted.toSorted());
    expect(writes()).toBe(100);
  });

  it('makes a write anew when somebody else was faster, and loses nothing of theirs', async () => {
    const { writer, keys, clock } = desk((attempt) => (attempt <= 3 ? 'other' : undefined));
    const done = writer.write(PLACE, create('mine'), options);
    await clock.advance(1_000);
    await done;
    expect(keys()).toEqual(['other-1', 'other-2', 'other-3', 'mine']);
  });

  it('gives up after a dozen tries', async () => {
    const { writer, clock, writes, keys } = desk(() => 'other');
    const done = writer.write(PLACE, create('mine'), options);
    done.catch(() => undefined);
    await clock.advance(10_000);
    await expect(done).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('nothing was written'),
    });
    expect(writes()).toBe(12);
    expect(keys()).not.toContain('mine');
  });

  it('goes on after one that failed', async () => {
    const { writer, keys } = desk();
    await writer.write(PLACE, create('a'), options);
    const again = writer.write(PLACE, create('a'), options);
    const other = writer.write(PLACE, create('b'), options);
    await expect(again).rejects.toMatchObject({ code: 'AlreadyExists' });
    await other;
    expect(keys()).toEqual(['a', 'b']);
  });

  it('begins nothing for a client that is gone', async () => {
    const { writer, keys } = desk();
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(writer.write(PLACE, create('a'), { dryRun: false, signal: gone })).rejects.toThrow('gone');
    expect(keys()).toEqual([]);
  });

  it.each([
    ['Forbidden', 403, 'Forbidden'],
    ['Invalid', 422, 'Invalid'],
    ['BadRequest', 413, 'RequestEntityTooLarge'],
    ['TooManyRequests', 429, 'ServiceUnavailable'],
    ['Timeout', undefined, 'Timeout'],
    ['Unreachable', undefined, 'Timeout'],
    ['ServerError', 500, 'Timeout'],
  ] as const)('tells of a write that ended with %s %s: %s', async (code, status, expected) => {
    const { writer } = desk(() => error(code, status));
    await expect(writer.write(PLACE, create('a'), options)).rejects.toMatchObject({ code: expected });
  });

  it('knows how etcd says that an object is too large', async () => {
    const serverMessage = 'etcdserver: request is too large';
    const { writer } = desk(
      () => new KubeError({ code: 'ServerError', message: 'm', status: 500, serverMessage }),
    );
    await expect(writer.write(PLACE, create('a'), options)).rejects.toMatchObject({
      code: 'RequestEntityTooLarge',
    });
  });

  it('does not begin what has waited for too long', async () => {
    const { writer, clock, keys } = desk((attempt) => (attempt < 12 ? 'other' : undefined));
    const slow = writer.write(PLACE, create('slow'), options);
    const waiting = writer.write(PLACE, create('waiting'), options);
    waiting.catch(() => undefined);
    await settle();
    clock.jump(9_000);
    await clock.advance(10_000);
    await slow;
    await expect(waiting).rejects.toMatchObject({
      code: 'ServiceUnavailable',
      details: { retryAfterSeconds: 2 },
    });
    expect(keys()).not.toContain('waiting');
  });
});
