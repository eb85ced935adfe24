import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { AUDIT_ANCHOR_ANNOTATION } from '../api/names.ts';
import { KubeError } from '../kube/errors.ts';
import { Anchoring, leaseAnchor, parseAnchor } from './anchor.ts';

const tail = { chain: 'c', seq: 7, mac: 'm' };

interface Lease {
  metadata: { name: string; resourceVersion?: string; annotations?: Record<string, string> };
  spec?: object;
}

/** The API server with this lease, or none. */
function server(lease?: Lease) {
  const calls: string[] = [];
  let present = lease;
  const write = (call: string) => async (_: unknown, body: object) => {
    calls.push(call);
    present = body as Lease;
  };
  const get = async () => {
    if (!present) throw new KubeError({ code: 'NotFound', message: 'x' });
    return present;
  };
  const client = { get, create: write('create'), replace: write('replace') } as never;
  const anchor = leaseAnchor({ client, clock: new FakeClock(), namespace: 'sys', identity: 'one' });
  return { anchor, calls, lease: () => present };
}

describe('the anchor', () => {
  it('is made, then replaced over the version that was read', async () => {
    const { anchor, calls, lease } = server();
    expect(await anchor.read()).toBeUndefined();
    await anchor.write(tail);
    expect(await anchor.read()).toEqual(tail);
    await anchor.write({ ...tail, seq: 8 });
    expect(calls).toEqual(['create', 'replace']);
    expect(lease()).toMatchObject({
      metadata: { name: 'fairlead-audit', namespace: 'sys' },
      spec: { holderIdentity: 'one', renewTime: '2026-01-01T00:00:00.000000Z' },
    });
  });

  it('leaves what others wrote, and the version with it', async () => {
    const { anchor, lease } = server({
      metadata: { name: 'fairlead-audit', resourceVersion: '5', annotations: { a: 'b' } },
    });
    await anchor.write(tail);
    expect(lease()?.metadata).toEqual({
      name: 'fairlead-audit',
      resourceVersion: '5',
      annotations: { a: 'b', [AUDIT_ANCHOR_ANNOTATION]: JSON.stringify(tail) },
    });
  });

  it('that cannot be read is not taken for one that is not there', async () => {
    const get = async () => {
      throw new KubeError({ code: 'Forbidden', message: 'x' });
    };
    const anchor = leaseAnchor({
      client: { get } as never,
      clock: new FakeClock(),
      namespace: 'sys',
      identity: 'one',
    });
    await expect(anchor.read()).rejects.toThrow(KubeError);
  });

  it('that hangs does not hold up the end of the process', async () => {
    const clock = new FakeClock();
    const write = async () => new Promise<void>(() => undefined);
    const anchoring = new Anchoring({
      clock,
      anchor: { read: async () => undefined, write },
      onError: () => undefined,
    });
    anchoring.moved(tail);
    await clock.advance(1);
    await anchoring.stop(AbortSignal.timeout(10));
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['another object', '{"chain":1}'],
  ])('that holds %s is none', (_, text) => {
    expect(parseAnchor(text)).toBeUndefined();
  });
});
