import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../../test/support/fake-clock.ts';
import { Cache } from '../../kube/cache.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { untilSeen } from './seen.ts';

const object = (resourceVersion: string): KubeObject => ({
  metadata: { namespace: 'sys', name: 'store', uid: 'u', resourceVersion },
});

function watched(version?: string) {
  const clock = new FakeClock();
  const cache = new Cache<KubeObject>({ project: (raw) => raw, indexes: {}, onError: () => undefined });
  if (version !== undefined) cache.upsert(object(version));
  const view = {
    get: (key: string) => cache.store.get(key),
    onChange: (handler: Parameters<typeof cache.onChange>[0]) => cache.onChange(handler),
  };
  let done = false;
  const seen = untilSeen('sys/store', '10', view, clock).then(() => (done = true));
  return { clock, cache, seen, isDone: () => done };
}

describe('what was written', () => {
  it.each(['10', '11', '100'])('is there already in version %s', async (version) => {
    await watched(version).seen;
  });

  it('is waited for', async () => {
    const { cache, seen, isDone } = watched('9');
    await settle();
    expect(isDone()).toBe(false);
    cache.upsert(object('10'));
    await seen;
  });

  it('was deleted meanwhile', async () => {
    const { cache, seen } = watched('9');
    cache.remove('sys/store');
    await seen;
  });

  it('is not waited for longer than a second', async () => {
    const { clock, seen, isDone } = watched();
    await clock.advance(999);
    expect(isDone()).toBe(false);
    await clock.advance(1);
    await seen;
    expect(clock.pending).toBe(0);
  });
});
