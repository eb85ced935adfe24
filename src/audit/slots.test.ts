import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { AUDIT_ANCHOR_ANNOTATION } from '../api/names.ts';
import { KubeError } from '../kube/errors.ts';
import { SlotAnchor } from './slots.ts';

const tail = (seq: number, chain = 'c') => ({ chain, seq, mac: 'm' });
const never = new AbortController().signal;

interface Lease {
  metadata: { name: string; resourceVersion: string; annotations?: Record<string, string> };
  spec: { holderIdentity?: string; renewTime?: string };
}

/** Leases as the API server keeps them, and replicas that use them. */
function server() {
  const clock = new FakeClock();
  const leases = new Map<string, Lease>();
  let version = 0;
  let beforeWrite = () => {};
  const error = (code: 'NotFound' | 'Conflict' | 'AlreadyExists') => new KubeError({ code, message: 'x' });
  const keep = (body: Lease) =>
    void leases.set(body.metadata.name, {
      ...body,
      metadata: { ...body.metadata, resourceVersion: String(++version) },
    });
  const client = {
    get: async (_: unknown, { name }: { name: string }) => {
      const lease = leases.get(name);
      if (!lease) throw error('NotFound');
      return structuredClone(lease);
    },
    create: async (_: unknown, body: Lease) => {
      beforeWrite();
      if (leases.has(body.metadata.name)) throw error('AlreadyExists');
      keep(body);
    },
    replace: async (_: unknown, body: Lease) => {
      beforeWrite();
      if (leases.get(body.metadata.name)?.metadata.resourceVersion !== body.metadata.resourceVersion)
        throw error('Conflict');
      keep(body);
    },
  };
  const replica = (identity: string) =>
    new SlotAnchor({ client: client as never, clock, namespace: 'sys', prefix: 'a-', count: 3, identity });
  const holders = () =>
    Object.fromEntries([...leases].map(([name, { spec }]) => [name, spec.holderIdentity]));
  const anchored = (name: string): unknown =>
    JSON.parse(leases.get(name)?.metadata.annotations?.[AUDIT_ANCHOR_ANNOTATION] ?? 'null');
  const race = (fn: () => void) => {
    beforeWrite = () => {
      beforeWrite = () => {};
      fn();
    };
  };
  return { clock, leases, replica, holders, anchored, keep, race };
}

describe('the anchor of a replica', () => {
  it('is a Lease that nobody else holds', async () => {
    const { replica, holders, anchored } = server();
    const [one, two] = [replica('one'), replica('two')];
    expect([await one.read(), await two.read()]).toEqual([undefined, undefined]);
    await one.write(tail(1));
    await two.write(tail(5, 'd'));
    expect(holders()).toEqual({ 'a-0': 'one', 'a-1': 'two' });
    expect([anchored('a-0'), anchored('a-1')]).toEqual([tail(1), tail(5, 'd')]);
  });

  it('goes on where the one before it ended, once that has given it up', async () => {
    const { replica, holders } = server();
    const one = replica('one');
    await one.read();
    await one.write(tail(7));
    await one.release(never);
    expect(holders()).toEqual({ 'a-0': '' });
    expect(await replica('next').read()).toEqual(tail(7));
    expect(holders()).toEqual({ 'a-0': 'next' });
  });

  it('goes on where the one before it ended, once that has not been heard of for a minute', async () => {
    const { replica, holders, clock } = server();
    const one = replica('one');
    await one.read();
    await one.write(tail(7));
    await clock.advance(59_000);
    await replica('two').read();
    await clock.advance(2_000);
    expect(await replica('three').read()).toEqual(tail(7));
    expect(holders()).toEqual({ 'a-0': 'three', 'a-1': 'two' });
  });

  it('is its own at once when it starts again', async () => {
    const { replica, holders } = server();
    await replica('one').read();
    await replica('two').read();
    await replica('two').read();
    expect(holders()).toEqual({ 'a-0': 'one', 'a-1': 'two' });
  });

  it('is another one if somebody was quicker', async () => {
    const { replica, holders, race, keep } = server();
    race(() =>
      keep({
        metadata: { name: 'a-0', resourceVersion: '' },
        spec: { holderIdentity: 'quick', renewTime: '2026-01-01T00:00:00.000000Z' },
      }),
    );
    await replica('one').read();
    expect(holders()).toEqual({ 'a-0': 'quick', 'a-1': 'one' });
  });

  it('is another one if it was taken away meanwhile', async () => {
    const { replica, holders, anchored, clock } = server();
    const paused = replica('paused');
    await paused.read();
    await paused.write(tail(1));
    await clock.advance(61_000);
    await replica('new').read();
    await paused.write(tail(2));
    expect(holders()).toEqual({ 'a-0': 'new', 'a-1': 'paused' });
    expect(anchored('a-1')).toEqual(tail(2));
  });

  it('does not take the place of what a dead replica has anchored, once its chain is under way', async () => {
    const { replica, anchored, clock, holders } = server();
    const [paused, dead, third] = [replica('paused'), replica('dead'), replica('third')];
    for (const one of [paused, dead, third]) await one.read();
    await paused.write(tail(1, 'p'));
    await dead.write(tail(9, 'd'));
    await third.write(tail(5, 't'));
    await clock.advance(61_000);
    const next = replica('new');
    expect(await next.read()).toEqual(tail(1, 'p'));
    await next.write(tail(1, 'n'));
    await expect(paused.write(tail(2, 'p'))).rejects.toMatchObject({ code: 'NoFreeAnchor' });
    expect(paused.problem()).toMatch(/end of another chain/);
    expect(holders()).toEqual({ 'a-0': 'new', 'a-1': 'dead', 'a-2': 'third' });
    expect([anchored('a-0'), anchored('a-1')]).toEqual([tail(1, 'n'), tail(9, 'd')]);
  });

  it('is its old one again while its own chain, or the one it comes after, is still anchored there', async () => {
    for (const before of [[], [tail(3, 'p')]]) {
      const { replica, anchored, clock, holders } = server();
      const first = replica('first');
      await first.read();
      await first.write(tail(7, 'f'));
      await first.release(never);
      const paused = replica('paused');
      expect(await paused.read()).toEqual(tail(7, 'f'));
      for (const one of before) await paused.write(one);
      await clock.advance(61_000);
      const brief = replica('brief');
      await brief.read();
      await brief.release(never);
      await paused.write(tail(4, 'p'));
      expect([holders(), anchored('a-0'), paused.problem()]).toEqual([
        { 'a-0': 'paused' },
        tail(4, 'p'),
        undefined,
      ]);
    }
  });

  it('is said to be held for as long as the replica lives', async () => {
    const { replica, clock, holders } = server();
    const [one, ending] = [replica('one'), new AbortController()];
    await one.read();
    await one.write(tail(1));
    const holding = one.hold(ending.signal, () => expect.fail('failed'));
    await clock.advance(120_000);
    await replica('two').read();
    expect(holders()).toEqual({ 'a-0': 'one', 'a-1': 'two' });
    ending.abort();
    await holding;
  });

  it('does not exist if there are too many replicas', async () => {
    const { replica } = server();
    for (const name of ['one', 'two', 'three']) await replica(name).read();
    await expect(replica('four').read()).rejects.toMatchObject({ name: 'AuditError', code: 'NoFreeAnchor' });
  });
});
