import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { Change } from '../../kube/reflector.ts';
import type { GatedPod } from '../objects.ts';
import { Waits } from './waits.ts';

let clock: FakeClock;
let handlers: Set<(change: Change<GatedPod>) => void>;
let told: string[];
beforeEach(() => {
  clock = new FakeClock();
  handlers = new Set();
  told = [];
});

function start(...present: GatedPod[]) {
  return new Waits({
    clock,
    pods: {
      list: () => present,
      onChange: (handler) => {
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
    },
    onEnd: (outcome, ms) => void told.push(`${outcome} ${ms}`),
  });
}
const pod = (uid: string, { gated = true, age = 0 } = {}) => {
  const creationTimestamp = new Date(clock.wall().getTime() - age).toISOString();
  return { metadata: { name: uid, uid, resourceVersion: '1', creationTimestamp }, gated } as GatedPod;
};
const send = (type: Change<GatedPod>['type'], object: GatedPod) => {
  for (const handler of handlers) handler({ type, key: object.metadata.name, object });
};

describe('how long a pod has waited', () => {
  it('is told when it is delivered to, from the moment it was seen', async () => {
    const waits = start();
    send('added', pod('a', { age: 900 }));
    await clock.advance(250);
    waits.delivered(pod('a'));
    expect(told).toEqual(['delivered 250']);
  });

  it.each([
    ['it was there before this process', 60_000],
    ['it is seen late', 6_000],
  ])('counts from its creation if %s', async (_, age) => {
    const waits = start(pod('a', { age }));
    await clock.advance(500);
    waits.delivered(pod('a'));
    expect(told).toEqual([`delivered ${age + 500}`]);
  });

  it('is told when it goes away with its gate', async () => {
    start();
    send('added', pod('a'));
    await clock.advance(3000);
    send('deleted', pod('a'));
    expect(told).toEqual(['gone 3000']);
  });

  it('is told once, though it leaves the cache later, or the cache shows it gated still', () => {
    const waits = start();
    send('added', pod('a'));
    waits.delivered(pod('a'));
    waits.delivered(pod('a'));
    send('updated', pod('a'));
    send('deleted', pod('a'));
    expect(told).toEqual(['delivered 0']);
  });

  it('is not told of pods that somebody else let go, or that never waited', () => {
    const waits = start(pod('b', { gated: false }));
    send('added', pod('a'));
    send('deleted', pod('a', { gated: false }));
    send('deleted', pod('b', { gated: false }));
    waits.delivered(pod('a'));
    waits.delivered(pod('b'));
    expect(told).toEqual([]);
  });

  it('is not told any more after the end', () => {
    const waits = start();
    waits.close();
    send('added', pod('a'));
    send('deleted', pod('a'));
    expect(told).toEqual([]);
  });
});
