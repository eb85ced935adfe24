import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { ScriptedApi } from '../../test/support/scripted-api.ts';
import { KubeError, type KubeErrorCode } from './errors.ts';
import type { KubeObject } from './objects.ts';
import { Reflector } from './reflector.ts';

/**
 * Stops and handlers, against a server that follows a script and a clock that the test turns. What networks and
 * real API servers do is in test/cluster/kube-reflector.test.ts.
 */
type Pod = KubeObject;
const pod = (name: string, version = '1') => ({
  metadata: { namespace: 'ns', name, uid: name, resourceVersion: version },
});
const error = (code: KubeErrorCode) => new KubeError({ code, message: code });

let clock: FakeClock;
let stop: AbortController;
let api: ScriptedApi;
let errors: string[];
let reflector: Reflector<Pod>;
let ended: boolean;

beforeEach(() => {
  clock = new FakeClock();
  stop = new AbortController();
  api = new ScriptedApi(clock);
  api.objects = [pod('a')];
  errors = [];
  ended = false;
});

function start(): void {
  reflector = new Reflector<Pod>({
    name: 'pods',
    client: api.client,
    clock,
    random: () => 0,
    resource: { group: '', version: 'v1', plural: 'pods', namespaced: true },
    project: (raw) => raw,
    hooks: { onError: ({ during, code }) => errors.push(`${during} ${code}`) },
  });
  void reflector.run(stop.signal).then(() => (ended = true));
}

describe('a stop', () => {
  it('ends a watch', async () => {
    start();
    await settle();
    stop.abort();
    await settle();
    expect([ended, api.latest.closed, clock.pending, errors]).toEqual([true, true, 0, []]);
  });

  it('ends a wait for the next try', async () => {
    api.script = [error('Unreachable')];
    start();
    await settle();
    expect(clock.pending).toBe(1);
    stop.abort();
    await settle();
    expect([ended, clock.pending]).toEqual([true, 0]);
  });

  it('before the first list is complete rejects what waits for it', async () => {
    api.script = [error('Unreachable')];
    start();
    await settle();
    stop.abort();
    await expect(reflector.synced).rejects.toMatchObject({ code: 'Aborted' });
  });

  it('before the start asks for nothing', async () => {
    stop.abort();
    start();
    await settle();
    expect([ended, api.asked]).toEqual([true, []]);
  });
});

describe('a handler that throws', () => {
  it('is reported, and neither the watch nor the other handlers notice', async () => {
    start();
    await reflector.synced;
    const seen: string[] = [];
    reflector.onChange(() => {
      throw new TypeError('hunter2');
    });
    reflector.onChange(({ key }) => seen.push(key));
    await settle();
    api.latest.send('ADDED', pod('b', '11'));
    api.latest.send('ADDED', pod('c', '12'));
    await settle();
    expect([seen, errors, api.watches.length]).toEqual([
      ['ns/b', 'ns/c'],
      ['handler TypeError', 'handler TypeError'],
      1,
    ]);
  });
});
