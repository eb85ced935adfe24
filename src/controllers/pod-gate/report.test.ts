import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../../test/support/fake-clock.ts';
import { waiting } from '../../runtime/outcome.ts';
import { PodMemory } from './memory.ts';
import { reportWaiting, type PodGateDependencies } from './reconcile.ts';

const pod = {
  metadata: { name: 'driver', namespace: 'team-a', uid: 'u', resourceVersion: '1' },
  references: ['warehouse'],
  storages: [],
  serviceAccount: 'spark',
};
const { signal } = new AbortController();
const held = waiting('Sealed', 'vault is sealed');

/** What a report does, in its order; both writes can be made to fail or to hang. */
function world(writes: { condition?: () => Promise<void>; note?: () => Promise<void> } = {}) {
  const did: string[] = [];
  const memory = new PodMemory();
  const deps = {
    world: { pods: { get: () => pod } },
    client: {
      patch: async () => {
        await writes.condition?.();
        did.push('condition');
      },
    },
    audit: {
      note: async () => {
        await writes.note?.();
        did.push('note');
      },
    },
    events: { record: () => did.push('event') },
    clock: new FakeClock(),
    memory,
  } as unknown as PodGateDependencies;
  return { did, memory, report: async () => reportWaiting('team-a/driver', held, signal, deps) };
}

describe('what a pod is told', () => {
  it.each([
    ['has no link without --docs-url', undefined, 'vault is sealed'],
    [
      'ends with the link to its reason',
      'https://docs.example.com',
      'vault is sealed See https://docs.example.com/reasons.md#sealed',
    ],
  ])('%s', async (_, docsUrl, message) => {
    const said: unknown[] = [];
    const deps = {
      world: { pods: { get: () => pod } },
      client: {
        patch: async (...[, , body]: [unknown, unknown, { status: { conditions: { message: string }[] } }]) =>
          void said.push(body.status.conditions[0]?.message),
      },
      audit: { note: async () => undefined },
      events: { record: (event: { message: string }) => void said.push(event.message) },
      ...{ clock: new FakeClock(), memory: new PodMemory(), docsUrl },
    } as unknown as PodGateDependencies;
    await reportWaiting('team-a/driver', held, signal, deps);
    expect(said).toEqual([message, message]);
    await reportWaiting('team-a/driver', held, signal, deps);
    expect(said).toHaveLength(2);
  });
});

describe('a pod that waits', () => {
  it('has its condition although the audit hangs', async () => {
    const { did, memory, report } = world({ note: async () => new Promise(() => undefined) });
    void report();
    await settle();
    expect(did).toEqual(['condition', 'event']);
    expect(memory.report('u')).toMatchObject({ reason: 'Sealed' });
  });

  it('is reported again if its condition could not be written, and is in the audit all the same', async () => {
    let fails = true;
    const condition = async () => {
      if (fails) throw new Error('no answer');
    };
    const { did, memory, report } = world({ condition });
    await expect(report()).rejects.toThrow('no answer');
    expect([did, memory.report('u')]).toEqual([['note'], undefined]);
    fails = false;
    await report();
    await report();
    expect(did.filter((what) => what === 'condition')).toHaveLength(1);
  });
});
