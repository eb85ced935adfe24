import { describe, expect, it } from 'vitest';
import { KubeError } from '../../kube/errors.ts';
import { waiting } from '../../runtime/outcome.ts';
import { PodMemory } from './memory.ts';
import { reportWaiting, type PodGateDependencies } from './reconcile.ts';

const pod = {
  metadata: { name: 'driver', namespace: 'team-a', uid: 'u', resourceVersion: '1' },
  gated: true,
  condition: undefined,
};

/** Reports on a pod whose condition the cache does not show yet; `refusals`: that many writes fail. */
function stage(refusals: number) {
  let left = refusals;
  const written: unknown[] = [];
  const events: string[] = [];
  const deps = {
    world: { pods: { get: () => pod } },
    client: {
      patch: async (_resource: unknown, _ref: unknown, patch: unknown) => {
        left -= 1;
        if (left >= 0) throw new KubeError({ code: 'ServerError', message: 'PATCH failed', status: 500 });
        written.push(patch);
        return Promise.resolve({});
      },
    },
    clock: { wall: () => new Date(0) },
    memory: new PodMemory(),
    events: { record: ({ reason }: { reason: string }) => void events.push(reason) },
  } as unknown as PodGateDependencies;
  const report = async (message = 'not there') =>
    reportWaiting('team-a/driver', waiting('KeyNotFound', message), new AbortController().signal, deps);
  return { report, written, events };
}

describe('why a pod waits', () => {
  it('is written once for the same words', async () => {
    const { report, written, events } = stage(0);
    await report();
    await report();
    expect([written.length, events]).toEqual([1, ['KeyNotFound']]);
  });

  it('is written again for other words', async () => {
    const { report, written } = stage(0);
    await report();
    await report('not there either');
    expect(written).toHaveLength(2);
  });

  it('is written at the next pass if it could not be written at this one', async () => {
    const { report, written, events } = stage(1);
    await expect(report()).rejects.toThrow('PATCH failed');
    await report();
    expect([written.length, events]).toEqual([1, ['KeyNotFound']]);
  });
});
