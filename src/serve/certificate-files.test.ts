import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readServingFiles, watchServingFiles } from './certificate-files.ts';
import type { CertificateBundle } from './certificates.ts';
import { startHttps } from './https.ts';
import { call, localhost } from './test-support.ts';

let directory: string;
let generation = 0;
let [one, two]: CertificateBundle[] = [];

beforeAll(async () => {
  one = await localhost();
  two = await localhost({ previous: one });
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-files-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Like the kubelet: a new directory, then `..data` is swapped to it by a rename. */
async function mount(files: { cert?: string; key?: string }) {
  const name = `..${++generation}`;
  await mkdir(join(directory, name));
  if (files.cert !== undefined) await writeFile(join(directory, name, 'tls.crt'), files.cert);
  if (files.key !== undefined) await writeFile(join(directory, name, 'tls.key'), files.key);
  await symlink(name, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  for (const file of ['tls.crt', 'tls.key'])
    await symlink(join('..data', file), join(directory, file)).catch(() => undefined);
}

/** A clock that stands still: `tick` lets the watcher look once more, and waits until it has looked. */
function watch() {
  const seen: string[] = [];
  const stop = new AbortController();
  let wake = Promise.withResolvers<void>();
  let asleep = Promise.withResolvers<void>();
  const finished = watchServingFiles(
    {
      directory,
      intervalMs: 10_000,
      onPair: ({ cert }) => seen.push(cert === one?.cert ? 'one' : cert === two?.cert ? 'two' : 'another'),
      onFault: (code) => seen.push(code),
      sleep: (ms, signal) => {
        expect(ms).toBe(10_000);
        asleep.resolve();
        return Promise.race([wake.promise, once(signal, 'abort')]);
      },
    },
    stop.signal,
  );
  return {
    seen,
    first: () => asleep.promise,
    tick: async () => {
      const { resolve } = wake;
      wake = Promise.withResolvers<void>();
      asleep = Promise.withResolvers<void>();
      resolve();
      await asleep.promise;
    },
    stop: async () => {
      stop.abort();
      await finished;
    },
  };
}

describe('readServingFiles', () => {
  test('reads a pair and tells until when it is good', async () => {
    await mount(one!);
    const read = await readServingFiles(directory);
    expect(read).toEqual({
      kind: 'pair',
      pair: { cert: one!.cert, key: one!.key, notAfter: expect.any(Date) },
    });
  });

  test.each([
    [
      'there is no directory',
      'NotFound',
      () => rm(directory, { recursive: true }).then(() => mkdtemp(directory)),
    ],
    ['a file is missing', 'NotFound', () => mount({ cert: one!.cert })],
    [
      'a file is a directory',
      'Unreadable',
      () => mkdir(join(directory, 'tls.crt')).then(() => writeFile(join(directory, 'tls.key'), 'x')),
    ],
    ['a file is empty', 'Malformed', () => mount({ cert: '', key: one!.key })],
    ['a file is half written', 'Malformed', () => mount({ cert: one!.cert.slice(0, 200), key: one!.key })],
    ['the key is no key', 'Malformed', () => mount({ cert: one!.cert, key: 'hunter2' })],
    ['the two are of different pairs', 'KeyMismatch', () => mount({ cert: one!.cert, key: two!.key })],
  ])('says so if %s', async (_, code, prepare) => {
    await prepare();
    expect(await readServingFiles(directory)).toEqual({ kind: 'fault', code });
    await mkdir(directory, { recursive: true });
  });
});

describe('watchServingFiles', () => {
  test('hands on the first pair and each new one, once', async () => {
    await mount(one!);
    const watcher = watch();
    await watcher.first();
    await watcher.tick();
    await mount(one!);
    await watcher.tick();
    await mount(two!);
    await watcher.tick();
    await watcher.tick();
    expect(watcher.seen).toEqual(['one', 'two']);
    await watcher.stop();
  });

  test('waits for files that are not there yet', async () => {
    const watcher = watch();
    await watcher.first();
    await watcher.tick();
    await mount(one!);
    await watcher.tick();
    expect(watcher.seen).toEqual(['NotFound', 'one']);
    await watcher.stop();
  });

  test('never hands on a half-written pair, and tells each fault once', async () => {
    await mount(one!);
    const watcher = watch();
    await watcher.first();
    await mount({ cert: two!.cert, key: one!.key });
    await watcher.tick();
    await watcher.tick();
    await mount({ cert: two!.cert.slice(0, 100), key: two!.key });
    await watcher.tick();
    await mount(two!);
    await watcher.tick();
    await mount({ cert: two!.cert });
    await watcher.tick();
    expect(watcher.seen).toEqual(['one', 'KeyMismatch', 'Malformed', 'two', 'NotFound']);
    await watcher.stop();
  });

  test('says nothing after a fault that went away by itself', async () => {
    await mount(one!);
    const watcher = watch();
    await watcher.first();
    await mount({ cert: 'x', key: 'x' });
    await watcher.tick();
    await mount(one!);
    await watcher.tick();
    await mount({ cert: 'x', key: 'x' });
    await watcher.tick();
    expect(watcher.seen).toEqual(['one', 'Malformed', 'Malformed']);
    await watcher.stop();
  });

  test('stops with its signal, also when the clock rejects', async () => {
    await mount(one!);
    const stop = new AbortController();
    let looks = 0;
    await watchServingFiles(
      {
        directory,
        intervalMs: 1,
        onPair: () => {},
        onFault: () => {},
        sleep: () => {
          if (++looks === 3) stop.abort();
          return Promise.reject(new Error('aborted'));
        },
      },
      stop.signal,
    );
    expect(looks).toBe(3);
  });
});

test('a server follows the files without losing a connection', async () => {
  await mount(one!);
  const server = await startHttps({
    host: '127.0.0.1',
    port: 0,
    certificate: one!,
    routes: { 'POST /echo': ({ body }) => ({ status: 200, body }) },
    onError: () => {},
  });
  const stop = new AbortController();
  const changed = Promise.withResolvers<void>();
  const watching = watchServingFiles(
    {
      directory,
      intervalMs: 5,
      onPair: (pair) => {
        server.setCertificate(pair);
        if (pair.cert === two!.cert) changed.resolve();
      },
      onFault: () => {},
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    stop.signal,
  );
  const post = () => call({ port: server.port, ca: one!.caCert, body: '{}' });
  const before = await post();
  await mount(two!);
  await changed.promise;
  const after = await post();
  expect([before.status, after.status]).toEqual([200, 200]);
  expect(after.serial).not.toBe(before.serial);
  stop.abort();
  await watching;
  await server.stop(0);
});
