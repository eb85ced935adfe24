import { describe, expect, it } from 'vitest';
import { KubeError, type KubeErrorFacts } from '../../kube/errors.ts';
import type { GatedPod } from '../objects.ts';
import { createDelivery, liftGate } from './act.ts';
import { PodMemory } from './memory.ts';

const pod = { metadata: { name: 'driver', namespace: 'team-a', uid: 'u', resourceVersion: '1' } } as GatedPod;
const nothing = {
  entries: [],
  imports: [],
  problems: [],
  data: new Map(),
  properties: new Map(),
  provenance: [],
};
const signal = new AbortController().signal;

const refusing = (facts: Partial<KubeErrorFacts>) => {
  const fail = async () => {
    throw new KubeError({ code: 'Forbidden', message: 'x', ...facts });
  };
  return { create: fail, patch: fail } as never;
};

describe('what becomes of a delivery that the API server refuses', () => {
  it.each<[string, Partial<KubeErrorFacts>, string]>([
    [
      'a quota',
      {
        status: 403,
        serverMessage: 'secrets "x" is forbidden: exceeded quota: team-quota, requested: secrets=1',
      },
      'the ResourceQuota team-quota leaves no room for the delivery Secret in this namespace',
    ],
    [
      'a policy',
      {
        code: 'Invalid',
        serverMessage: "ValidatingAdmissionPolicy 'no-secrets' with binding 'b' denied request: s3cret",
      },
      'the ValidatingAdmissionPolicy no-secrets refuses the delivery Secret',
    ],
    [
      'a webhook',
      { serverMessage: 'admission webhook "vet.example.com" denied the request: s3cret' },
      'the admission webhook vet.example.com refuses the delivery Secret',
    ],
    [
      'a webhook that is down',
      {
        code: 'ServerError',
        status: 500,
        serverMessage:
          'Internal error occurred: failed calling webhook "vet.example.com": failed to call s3cret',
      },
      'the admission webhook vet.example.com does not answer, so the API server refuses the delivery Secret',
    ],
    [
      'a namespace on its way out',
      { serverMessage: 'unable to create new content in namespace team-a because it is being terminated' },
      'the namespace is being deleted',
    ],
    [
      'something else',
      { status: 403, serverMessage: 's3cret' },
      'the API server refuses the delivery Secret (HTTP 403)',
    ],
  ])('%s: a reason on the pod, in words of our own', async (_, facts, message) => {
    const written = await createDelivery(refusing(facts), pod, 'fairlead-d-1', nothing, signal);
    expect(written).toEqual({ kind: 'refused', problem: { reason: 'DeliveryRefused', message } });
  });

  it('a Secret that is there already: an earlier pass made it', async () => {
    const written = await createDelivery(
      refusing({ code: 'AlreadyExists' }),
      pod,
      'fairlead-d-1',
      nothing,
      signal,
    );
    expect(written).toEqual({ kind: 'done', existed: true });
  });

  it.each<[string, Partial<KubeErrorFacts>]>([
    ['no answer', { code: 'Unreachable' }],
    ['too many requests', { code: 'TooManyRequests' }],
    ['a lease that is lost', { code: 'LeaseLost' }],
    ['a conflict', { code: 'Conflict', serverMessage: 'the object has been modified' }],
  ])('%s: thrown, to be tried again', async (_, facts) => {
    await expect(
      createDelivery(refusing(facts), pod, 'fairlead-d-1', nothing, signal),
    ).rejects.toBeInstanceOf(KubeError);
  });
});

describe('what becomes of a gate that is to be lifted', () => {
  it("is told on the pod if somebody's policy refuses it, and not taken for a pod that is gone", async () => {
    const facts = {
      code: 'Invalid',
      serverMessage: "ValidatingAdmissionPolicy 'frozen' denied request: no",
    } as const;
    expect(await liftGate(refusing(facts), pod, 'fairlead-d-1', signal)).toEqual({
      kind: 'refused',
      problem: {
        reason: 'DeliveryRefused',
        message: 'the ValidatingAdmissionPolicy frozen refuses to lift the gate',
      },
    });
  });

  it('ends quietly if another pod has the name by now', async () => {
    const facts = {
      code: 'Invalid',
      serverMessage: 'metadata.uid: Invalid value: "u": field is immutable',
    } as const;
    expect(await liftGate(refusing(facts), pod, 'fairlead-d-1', signal)).toEqual({ kind: 'gone' });
  });
});

describe('the memory of what was written', () => {
  it('distrusts the cache for half a minute after a release, and no longer', () => {
    const memory = new PodMemory();
    memory.released('u', 1_000);
    expect(memory.releasedFor('u', 1_000)).toBe(30_000);
    expect(memory.releasedFor('u', 31_000)).toBe(0);
    expect(memory.releasedFor('other', 1_000)).toBe(0);
  });

  it('forgets a pod that has left the cache', () => {
    const memory = new PodMemory();
    memory.released('u', 0);
    memory.reported('u', { reason: 'Sealed', message: 'm', lastTransitionTime: 't' });
    memory.forget('u');
    expect([memory.releasedFor('u', 0), memory.report('u')]).toEqual([0, undefined]);
  });
});
