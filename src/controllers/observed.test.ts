import { describe, expect, it } from 'vitest';
import type { GatedPod, Integration } from './objects.ts';
import { noVaultProblem, observedIntegrations, waitingPods } from './observed.ts';

const NOW = new Date('2026-01-01T00:10:00Z');
const pod = (reason: string | undefined, rest: Partial<GatedPod> = {}, made = '2026-01-01T00:09:00Z') =>
  ({
    metadata: { name: 'p', uid: 'u', resourceVersion: '1', creationTimestamp: made },
    gated: true,
    deleting: false,
    condition: reason === undefined ? undefined : { type: 'x', status: 'False', reason, message: '' },
    ...rest,
  }) as GatedPod;

describe('the pods that wait', () => {
  it('are counted by reason', () => {
    const { byReason } = waitingPods([pod('Sealed'), pod('Sealed'), pod('KeyNotFound')], NOW);
    expect([...byReason]).toEqual([
      ['Sealed', 2],
      ['KeyNotFound', 1],
    ]);
  });

  it.each([
    ['one that nobody has looked at', pod(undefined), 'NotReported'],
    ['a reason that is none of ours', pod('hunter2'), 'Other'],
    ['a reason that every object has', pod('constructor'), 'Other'],
  ])('show no word of others: %s', (_, one, reason) => {
    expect([...waitingPods([one], NOW).byReason.keys()]).toEqual([reason]);
  });

  it.each([
    ['let go', { gated: false }],
    ['being deleted', { deleting: true }],
  ])('are not those that are %s', (_, rest) => {
    expect(waitingPods([pod('Sealed', rest)], NOW)).toEqual({ byReason: new Map(), oldestSeconds: 0 });
  });

  it('tell the age of the oldest', () => {
    const pods = [pod('Sealed'), pod('Sealed', {}, '2026-01-01T00:05:00Z'), pod('Sealed', {}, '')];
    expect(waitingPods(pods, NOW).oldestSeconds).toBe(300);
  });
});

describe('the integrations', () => {
  const integration = (name: string, ...conditions: object[]) =>
    ({
      metadata: { name, uid: name, resourceVersion: '1' },
      status: { conditions },
    }) as unknown as Integration;
  const ready = (status: string) => ({ type: 'Ready', status });
  const world = (...all: Integration[]) =>
    ({
      integrations: { list: () => all },
      references: { byIndex: (_: string, source: string) => (source === 'VAULT/a' ? [1, 2] : []) },
    }) as unknown as Parameters<typeof observedIntegrations>[0] & Parameters<typeof noVaultProblem>[0];
  const [a, b] = [integration('a', ready('True')), integration('b', { type: 'Stalled', status: 'True' })];

  it('are each Ready or not, with the references that name them', () => {
    expect(observedIntegrations(world(a, b))).toEqual([
      { name: 'a', ready: true, references: 2 },
      { name: 'b', ready: false, references: 0 },
    ]);
  });

  it('have no count where references are not watched', () => {
    const { integrations } = world(a);
    expect(observedIntegrations({ integrations })).toEqual([{ name: 'a', ready: true }]);
  });

  it.each([
    ['there is none', [], undefined],
    ['one is Ready', [a, b], undefined],
    ['none is', [b, integration('c', ready('False')), integration('d')], 'no integration is Ready'],
  ])('if Vault is required: %s', (_, all, problem) => {
    expect(noVaultProblem(world(...all))).toBe(problem);
  });
});
