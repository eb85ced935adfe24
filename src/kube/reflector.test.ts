import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { ScriptedApi } from '../../test/support/scripted-api.ts';
import { KubeError, type KubeErrorCode } from './errors.ts';
import type { KubeObject } from './objects.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

/** Retries, by a script and a clock that the test turns. What real networks do: test/cluster/kube-reflector. */
type Pod = KubeObject;
const pod = (name: string, version = '1', uid = name) => ({
  metadata: { namespace: 'ns', name, uid, resourceVersion: version },
});
const error = (code: KubeErrorCode, rest: { status?: number; retryAfterMs?: number } = {}) =>
  new KubeError({ code, message: code, ...rest });

let clock: FakeClock;
let stop: AbortController;
let api: ScriptedApi;
let errors: string[];
let reflector: Reflector<Pod>;

beforeEach(() => {
  clock = new FakeClock();
  stop = new AbortController();
  api = new ScriptedApi(clock);
  api.objects = [pod('a')];
  errors = [];
});

function start(rest: Partial<ReflectorOptions<Pod>> = {}): void {
  reflector = new Reflector<Pod>({
    name: 'pods',
    client: api.client,
    clock,
    random: () => 0,
    resource: { group: '', version: 'v1', plural: 'pods', namespaced: true },
    project: (raw) => raw,
    hooks: { onError: ({ during, code }) => errors.push(`${during} ${code}`) },
    ...rest,
  });
  void reflector.run(stop.signal);
}

describe('a reflector', () => {
  it('lists, then watches from the version of the list, asking for bookmarks', async () => {
    start({ labelSelector: 'app=x', fieldSelector: 'spec.nodeName=' });
    expect(reflector.hasSynced()).toBe(false);
    await reflector.synced;
    await settle();
    expect([reflector.hasSynced(), reflector.size, reflector.get('ns/a')?.metadata.name]).toEqual([
      true,
      1,
      'a',
    ]);
    expect(api.latest.query).toEqual({
      labelSelector: 'app=x',
      fieldSelector: 'spec.nodeName=',
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: '10',
      timeoutSeconds: 300,
    });
  });

  it('asks the server to end watches at different times', async () => {
    start({ random: () => 0.5 });
    await settle();
    expect(api.latest.query?.['timeoutSeconds']).toBe(450);
  });

  it('goes on from the latest version, of an event or a bookmark, when a watch has ended', async () => {
    start();
    await settle();
    api.latest.send('ADDED', pod('b', '11'));
    api.latest.bookmark('20');
    await clock.advance(400_000 / 4);
    api.latest.end();
    await settle();
    expect(api.asked).toEqual(['list at 0', 'watch 10 at 0', 'watch 20 at 100000']);
    expect(errors).toEqual([]);
  });

  it('says how long ago the server was heard', async () => {
    start();
    await settle();
    await clock.advance(60_000);
    expect(reflector.stalenessMs()).toBe(60_000);
    api.latest.bookmark('20');
    await settle();
    expect(reflector.stalenessMs()).toBe(0);
  });

  it('indexes what it holds', async () => {
    api.objects = [pod('a'), pod('b')];
    start({ indexes: { first: ({ metadata }) => [metadata.name[0]!] } });
    await reflector.synced;
    expect(reflector.byIndex('first', 'a')).toHaveLength(1);
    expect(reflector.list()).toHaveLength(2);
  });
});

describe('a list that fails', () => {
  it('is tried again with doubling delays', async () => {
    api.script = Array.from({ length: 8 }, () => error('Unreachable'));
    start();
    await clock.advance(100_000);
    expect(api.asked.slice(0, 9)).toEqual([
      'list at 0',
      'list at 400',
      'list at 1200',
      'list at 2800',
      'list at 6000',
      'list at 12400',
      'list at 25200',
      'list at 40200',
      'list at 55200',
    ]);
  });

  it.each<[string, KubeError, number]>([
    ['is not tried before the server allows', error('TooManyRequests', { retryAfterMs: 7000 }), 7000],
    [
      'is tried after five minutes even if the server says a day',
      error('TooManyRequests', { retryAfterMs: 86_400_000 }),
      300_000,
    ],
    ['because of 403 is tried again: rights can be granted', error('Forbidden', { status: 403 }), 400],
    ['because of 410 is tried again at once', error('Gone', { status: 410 }), 0],
  ])('%s', async (_, failure, ms) => {
    api.script = [failure];
    start();
    await clock.advance(300_000);
    expect(api.asked.slice(0, 2)).toEqual(['list at 0', `list at ${ms}`]);
  });

  it('with 410 again and again is no hot loop', async () => {
    api.script = Array.from({ length: 100 }, () => error('Gone', { status: 410 }));
    start();
    await clock.advance(10_000);
    expect(api.asked.length).toBeLessThan(8);
  });
});

describe('a watch that fails', () => {
  it('goes on from where it was, without a list', async () => {
    start();
    await settle();
    api.latest.bookmark('20');
    await settle();
    api.latest.close(error('Unreachable'));
    await clock.advance(1000);
    expect(api.asked).toEqual(['list at 0', 'watch 10 at 0', 'watch 20 at 400']);
  });

  it('waits longer each time it fails before it has heard anything', async () => {
    api.script = ['ok', error('Unreachable'), error('Unreachable'), error('Unreachable'), 'ok'];
    start();
    await clock.advance(10_000);
    expect(api.asked.slice(1)).toEqual([
      'watch 10 at 0',
      'watch 10 at 400',
      'watch 10 at 1200',
      'watch 10 at 2800',
    ]);
    api.latest.bookmark('20');
    await settle();
    api.latest.close(error('Unreachable'));
    await clock.advance(400);
    expect(api.asked.at(-1)).toBe('watch 20 at 10400');
  });

  it.each<[string, KubeErrorCode]>([
    ['because its version is forgotten: the list comes again, at once', 'Gone'],
    ['because the kind is gone: the list comes again', 'NotFound'],
  ])('%s', async (_, code) => {
    api.script = ['ok', error(code, { status: 404 })];
    start();
    await clock.advance(400);
    expect(api.asked).toEqual([
      'list at 0',
      'watch 10 at 0',
      `list at ${code === 'Gone' ? 0 : 400}`,
      expect.stringMatching(/^watch 10/),
    ]);
  });

  it('in the stream, with 410: the list comes again and tells what was missed', async () => {
    const told: string[] = [];
    api.objects = [pod('gone'), pod('stays'), pod('changed'), pod('replaced', '1', 'old')];
    start();
    await reflector.synced;
    reflector.onChange(({ type, key }) => told.push(`${type} ${key}`));
    await settle();
    api.objects = [pod('stays'), pod('changed', '2'), pod('replaced', '3', 'new'), pod('fresh')];
    api.latest.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await settle();
    expect(told.toSorted()).toEqual([
      'added ns/fresh',
      'added ns/replaced',
      'deleted ns/gone',
      'deleted ns/replaced',
      'updated ns/changed',
    ]);
    expect(errors).toEqual(['watch Gone']);
  });

  it('in the stream with something else goes on from where it was', async () => {
    start();
    await settle();
    api.latest.send('ADDED', pod('b', '11'));
    api.latest.send('ERROR', { kind: 'Status', code: 500, reason: 'InternalError' });
    await clock.advance(400);
    expect(api.asked.at(-1)).toBe('watch 11 at 400');
    expect(errors).toEqual(['watch ServerError']);
  });

  it('with a line that is none goes on from where it was', async () => {
    start();
    await settle();
    api.latest.send('ADDED', { hunter2: true });
    await clock.advance(400);
    expect(api.asked.at(-1)).toBe('watch 10 at 400');
    expect(errors).toEqual(['watch BadResponse']);
    expect(api.watches[0]?.closed).toBe(true);
  });

  it('ending at once in good order, again and again, is no hot loop', async () => {
    start();
    await settle();
    for (let i = 0; i < 40; i += 1) {
      if (!api.latest.closed) api.latest.end();
      await clock.advance(250);
    }
    expect(api.asked.length).toBeLessThan(9);
  });
});

describe('a watch that says nothing', () => {
  it('but lasts a while counts as a success: the next failure is a first one', async () => {
    api.script = ['ok', ...Array.from({ length: 6 }, () => error('Unreachable'))];
    start();
    await clock.advance(26_000);
    expect(api.watches).toHaveLength(1);
    await clock.advance(30_000);
    api.latest.close(error('Unreachable'));
    const cutAt = clock.now();
    await clock.advance(1000);
    expect(api.asked.at(-1)).toBe(`watch 10 at ${cutAt + 400}`);
  });

  it('of a version does not make us forget where we were', async () => {
    start();
    await settle();
    api.latest.send('ADDED', { metadata: { ...pod('b').metadata, resourceVersion: '' } });
    await settle();
    api.latest.close(error('Unreachable'));
    await clock.advance(1000);
    expect(api.asked.at(-1)).toBe('watch 10 at 400');
  });

  it('is given up after two and a half minutes, and opened again', async () => {
    start();
    await settle();
    await clock.advance(149_999);
    expect(api.watches).toHaveLength(1);
    await clock.advance(500);
    expect([api.watches.length, api.watches[0]?.closed]).toEqual([2, true]);
    expect(errors).toEqual(['watch Timeout']);
  });

  it('counts from the last word', async () => {
    start();
    await settle();
    for (let i = 0; i < 10; i += 1) {
      await clock.advance(100_000);
      api.latest.bookmark(String(20 + i));
    }
    await clock.advance(149_000);
    expect(api.watches).toHaveLength(1);
    await clock.advance(2000);
    expect(api.watches).toHaveLength(2);
  });

  it('five times over leads to a new list: the version may be one that never comes', async () => {
    start({ silenceMs: 10_000 });
    await clock.advance(70_000);
    expect(api.asked.filter((what) => what.startsWith('list'))).toHaveLength(2);
    expect(api.asked.filter((what) => what.startsWith('watch'))).toHaveLength(6);
  });
});

it('a late deletion of a predecessor does not take its successor away', async () => {
  api.objects = [pod('a', '9', 'new')];
  start();
  await reflector.synced;
  await settle();
  api.latest.send('DELETED', pod('a', '11', 'old'));
  await settle();
  expect(reflector.get('ns/a')?.metadata.uid).toBe('new');
});
