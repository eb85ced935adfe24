import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { LeaseServer, replica as replicaOf } from '../../test/support/lease-replica.ts';
import type { LeaderOptions } from './lease.ts';

let clock: FakeClock;
let server: LeaseServer;

beforeEach(() => {
  clock = new FakeClock();
  server = new LeaseServer();
});

const replica = (
  identity: string,
  { clock: own, ...rest }: Partial<LeaderOptions> & { clock?: FakeClock } = {},
) => replicaOf(identity, server, own ?? clock, rest);

describe('one replica', () => {
  it('makes the lease and leads', async () => {
    const a = replica('a');
    await settle();
    expect(a.seen).toEqual(['leader is a (self)', 'started']);
    expect(a.stillLeader()).toBe(true);
    expect(server.lease?.spec).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
  });

  it('renews every two seconds, with one request each', async () => {
    const a = replica('a');
    await settle();
    const { requests } = a.connection;
    await clock.advance(60_000);
    expect(a.connection.requests - requests).toBe(30);
    expect(a.stillLeader()).toBe(true);
  });

  it('gives the lease up when it is stopped, after its work has ended', async () => {
    const a = replica('a');
    await settle();
    a.stop.abort();
    await settle();
    expect([a.ended(), server.lease?.spec.holderIdentity]).toEqual(['resolved', '']);
    expect(a.seen.at(-1)).toBe('work is told to stop');
    expect(a.stillLeader()).toBe(false);
  });

  it('keeps the lease while its work is still ending', async () => {
    const ending = Promise.withResolvers<void>();
    let told = false;
    const a = replica('a', {
      onStarted: async (signal) => {
        signal.addEventListener('abort', () => (told = true));
        await ending.promise;
      },
    });
    await settle();
    a.stop.abort();
    await clock.advance(60_000);
    expect([told, a.ended(), server.lease?.spec.holderIdentity]).toEqual([true, undefined, 'a']);
    ending.resolve();
    await settle();
    expect([a.ended(), server.lease?.spec.holderIdentity]).toEqual(['resolved', '']);
    expect(clock.pending).toBe(0);
  });

  it('that is stopped while it waits ends at once', async () => {
    replica('a');
    await settle();
    const b = replica('b');
    await clock.advance(1000);
    b.stop.abort();
    await settle();
    expect([b.ended(), b.seen, server.lease?.spec.holderIdentity]).toEqual([
      'resolved',
      ['leader is a'],
      'a',
    ]);
  });

  it('that is stopped during a renewal waits for it, or it would come after the release', async () => {
    const a = replica('a');
    await settle();
    const hold = Promise.withResolvers<void>();
    a.connection.hold = hold.promise;
    await clock.advance(2000);
    a.stop.abort();
    await settle();
    a.connection.hold = undefined;
    expect([a.ended(), server.lease?.spec.holderIdentity]).toEqual([undefined, 'a']);
    hold.resolve();
    await settle();
    expect([a.ended(), server.lease?.spec.holderIdentity]).toEqual(['resolved', '']);
  });

  it('whose work fails gives the lease up and passes the failure on', async () => {
    const a = replica('a');
    await settle();
    a.work.reject(new Error('broken'));
    await settle();
    expect([a.ended(), server.lease?.spec.holderIdentity]).toEqual(['broken', '']);
  });

  it('waits for an API server that is not there yet', async () => {
    const a = replica('a');
    a.connection.up = false;
    await settle();
    await clock.advance(10_000);
    expect(a.seen).not.toContain('started');
    a.connection.up = true;
    await clock.advance(2000);
    expect(a.seen.at(-1)).toBe('started');
  });
});

describe('two replicas', () => {
  it('never lead both, and the second follows at once when the first is stopped', async () => {
    const a = replica('a');
    await settle();
    const b = replica('b');
    await clock.advance(60_000);
    expect([a.isWorking(), b.isWorking()]).toEqual([true, false]);
    a.stop.abort();
    await clock.advance(2000);
    expect([a.ended(), b.isWorking()]).toEqual(['resolved', true]);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  it('at the same moment: one of them', async () => {
    const [a, b] = [replica('a'), replica('b')];
    await settle();
    expect([a.isWorking(), b.isWorking()].filter(Boolean)).toHaveLength(1);
  });

  it('when the first dies, the second follows after the duration of the lease, not before', async () => {
    const a = replica('a');
    await settle();
    const b = replica('b');
    await clock.advance(10_000);
    a.connection.up = false;
    await clock.advance(13_000);
    expect(b.isWorking()).toBe(false);
    await clock.advance(4000);
    expect(b.isWorking()).toBe(true);
  });

  it('when the first loses its connection, it stops before the second begins', async () => {
    const a = replica('a');
    await settle();
    const b = replica('b');
    await clock.advance(10_000);
    a.connection.up = false;
    for (let ms = 0; ms < 20_000; ms += 100) {
      await clock.advance(100);
      expect(a.stillLeader() && b.stillLeader()).toBe(false);
    }
    expect([a.ended(), b.isWorking()]).toEqual(['LeaseLost', true]);
    expect(a.seen).toContain('work is told to stop');
  });

  it('a clock of another replica that is hours off makes no difference', async () => {
    const a = replica('a');
    await settle();
    const late = new FakeClock('2031-01-01T00:00:00Z');
    const b = replica('b', { clock: late });
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(1000);
      await late.advance(1000);
    }
    expect([a.isWorking(), b.isWorking()]).toEqual([true, false]);
  });
});

describe('a leader that was paused', () => {
  it('knows it before it does anything else, and ends', async () => {
    const a = replica('a');
    await settle();
    clock.jump(20_000);
    expect(a.stillLeader()).toBe(false);
    const { requests } = a.connection;
    await clock.advance(0);
    expect(a.ended()).toBe('LeaseLost');
    expect(a.connection.requests).toBe(requests);
    expect(clock.pending).toBe(0);
  });

  it('for a moment goes on', async () => {
    const a = replica('a');
    await settle();
    clock.jump(7000);
    expect(a.stillLeader()).toBe(true);
    await clock.advance(0);
    expect([a.stillLeader(), a.ended()]).toEqual([true, undefined]);
  });

  it('together with its machine: the date tells, and the next renewal decides', async () => {
    const wall = { offset: 0 };
    const shifted = Object.assign(Object.create(clock) as FakeClock, {
      now: () => clock.now(),
      wall: () => new Date(clock.wall().getTime() + wall.offset),
      setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
      sleep: async (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    });
    const a = replica('a', { clock: shifted });
    await settle();
    wall.offset = 3_600_000;
    expect(a.stillLeader()).toBe(false);
    await clock.advance(2000);
    expect([a.stillLeader(), a.ended()]).toEqual([true, undefined]);
  });
});

describe('a leader whose lease', () => {
  it('somebody else took ends at its next renewal', async () => {
    const a = replica('a');
    await settle();
    server.lease!.spec.holderIdentity = 'intruder';
    server.lease!.metadata.resourceVersion = 'other';
    await clock.advance(2000);
    expect([a.ended(), a.stillLeader(), a.seen.at(-1)]).toEqual(['LeaseLost', false, 'work is told to stop']);
  });

  it('somebody touched without taking it goes on', async () => {
    const a = replica('a');
    await settle();
    server.lease!.metadata.resourceVersion = 'labelled';
    await clock.advance(20_000);
    expect([a.ended(), a.stillLeader()]).toEqual([undefined, true]);
  });

  it('somebody deleted makes it anew', async () => {
    const a = replica('a');
    await settle();
    server.lease = undefined;
    await clock.advance(2000);
    expect([a.ended(), server.lease]).toMatchObject([undefined, { spec: { holderIdentity: 'a' } }]);
  });

  it('was renewed but the answer got lost renews it again', async () => {
    const a = replica('a');
    await settle();
    a.connection.loseAnswers = 1;
    await clock.advance(4000);
    expect(a.seen.at(-1)).toBe('error Unreachable');
    await clock.advance(60_000);
    expect([a.ended(), a.stillLeader()]).toEqual([undefined, true]);
  });
});

describe('a renewal that hangs', () => {
  it('does not hold up the end: the deadline counts', async () => {
    const a = replica('a');
    await settle();
    a.connection.hold = new Promise(() => undefined);
    await clock.advance(9999);
    expect([a.stillLeader(), a.ended()]).toEqual([true, undefined]);
    await clock.advance(1);
    expect([a.stillLeader(), a.ended()]).toEqual([false, 'LeaseLost']);
  });

  it('counts from when it was sent, not from when it was answered', async () => {
    const a = replica('a');
    await settle();
    const hold = Promise.withResolvers<void>();
    a.connection.hold = hold.promise;
    await clock.advance(9000);
    a.connection.hold = undefined;
    hold.resolve();
    await settle();
    expect(a.stillLeader()).toBe(true);
    a.connection.up = false;
    // Sent after two seconds, so it holds until the twelfth.
    await clock.advance(2900);
    expect(a.stillLeader()).toBe(true);
    await clock.advance(200);
    expect([a.stillLeader(), a.ended()]).toEqual([false, 'LeaseLost']);
  });
});
