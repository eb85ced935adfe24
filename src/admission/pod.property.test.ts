import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admit } from './handler.ts';
import { deliveryNameOf, placeholderKeys, strip } from './marks.ts';
import { mutatePod, type PodMutation } from './pod.ts';
import { allContainers, type Pod } from './pod-shape.ts';
import {
  applyPatch,
  arbitraryPod,
  CANARY,
  DELIVERY,
  kubeletEnvironment,
  kubeletExpand,
  OTHER_DELIVERY,
  OTHER_UID,
  UID,
} from './test-support.ts';

const RUNS = { numRuns: 400 };
const legacy = fc.boolean();
const GATE = 'fairlead.dev/secrets';

/** The pod as it would be stored; a denied pod is not stored. */
function stored(object: Pod, legacy: boolean, uid = UID): Pod | undefined {
  const mutation = mutatePod({ uid, object }, { legacy });
  return mutation.kind === 'denied' ? undefined : mutation.kind === 'patched' ? mutation.pod : object;
}

/** The pod without the places that admission may write to. */
function rest(object: Pod): unknown {
  const { labels = {}, annotations = {}, ...metadata } = object.metadata;
  const { schedulingGates = [], ...spec } = object.spec;
  const bare = ({ env: _e, envFrom: _f, ...container }: Pod['spec']['containers'][number]) => container;
  const other = (map: object, own: string) => Object.entries(map).filter(([key]) => key !== own);
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: other(labels ?? {}, 'fairlead.dev/delivery'),
      annotations: other(annotations ?? {}, 'fairlead.dev/delivered'),
    },
    spec: {
      ...spec,
      schedulingGates: schedulingGates?.filter(({ name }) => name !== GATE),
      containers: spec.containers.map(bare),
      initContainers: spec.initContainers?.map(bare),
    },
  };
}

const rename = (object: Pod) =>
  JSON.parse(JSON.stringify(object).replaceAll(OTHER_DELIVERY, DELIVERY)) as Pod;

describe('for every pod, forged marks included', () => {
  test('a second pass with the same uid changes nothing', () => {
    fc.assert(
      fc.property(arbitraryPod('forged'), legacy, (object, legacy) => {
        const first = stored(object, legacy);
        fc.pre(first !== undefined);
        expect(mutatePod({ uid: UID, object: first }, { legacy })).toMatchObject({ kind: 'unchanged' });
      }),
      RUNS,
    );
  });

  test('with another uid only the name of the delivery differs', () => {
    fc.assert(
      fc.property(arbitraryPod('forged'), legacy, (object, legacy) => {
        const first = stored(object, legacy);
        fc.pre(first !== undefined);
        const second = stored(first, legacy, OTHER_UID);
        expect(second && rename(second)).toEqual(first);
        expect(JSON.stringify(second)).not.toContain(DELIVERY);
      }),
      RUNS,
    );
  });

  test('no forged or copied mark is left', () => {
    fc.assert(
      fc.property(arbitraryPod('forged'), legacy, (object, legacy) => {
        const result = stored(object, legacy);
        fc.pre(result !== undefined);
        expect(JSON.stringify(result)).not.toMatch(/fairlead-d-forged|"forged"/);
        expect(JSON.stringify(result)).not.toContain(OTHER_DELIVERY);
        const gated = result.spec.schedulingGates?.filter(({ name }) => name === GATE).length ?? 0;
        expect(gated).toBeLessThanOrEqual(1);
        expect(result.metadata.labels?.['fairlead.dev/delivery']).toBe(gated === 1 ? DELIVERY : undefined);
        if (gated === 0) expect(JSON.stringify(result)).not.toContain('fairlead-d-');
      }),
      RUNS,
    );
  });

  test('nothing else of the pod is touched, and other gates keep their order', () => {
    fc.assert(
      fc.property(arbitraryPod('forged'), legacy, (object, legacy) => {
        const before = structuredClone(object);
        const result = stored(object, legacy);
        expect(object).toEqual(before);
        fc.pre(result !== undefined);
        expect(rest(result)).toEqual(rest(object));
      }),
      RUNS,
    );
  });

  test('the JSON patch gives exactly the computed pod, and names only the fields that may change', () => {
    fc.assert(
      fc.property(arbitraryPod('forged'), legacy, (object, legacy) => {
        const { patch, warnings, ...response } = respond(object, legacy);
        const mutation = mutatePod({ uid: UID, object }, { legacy });
        expect(response.allowed).toBe(mutation.kind !== 'denied');
        expect(patch !== undefined).toBe(mutation.kind === 'patched');
        if (mutation.kind !== 'patched') return;
        const operations = JSON.parse(Buffer.from(patch ?? '', 'base64').toString());
        expect(applyPatch(object, operations)).toEqual(mutation.pod);
        for (const { path } of operations)
          expect(path).toMatch(
            /^\/(metadata\/(labels|annotations)|spec\/(schedulingGates|(initC|c)ontainers\/\d+\/env(From)?))$/,
          );
        expect(warnings?.length ?? 0).toBeLessThanOrEqual(5);
      }),
      RUNS,
    );
  });

  test('no value is quoted in a message or a warning', () => {
    fc.assert(
      fc.property(arbitraryPod('forged'), legacy, (object, legacy) => {
        const { patch: _, ...response } = respond(object, legacy);
        expect(JSON.stringify(response)).not.toContain(CANARY);
        for (const warning of response.warnings ?? []) expect(warning).toMatch(/^[ -~]{1,120}$/);
      }),
      RUNS,
    );
  });
});

describe('for every pod that a user can write', () => {
  test('a copy of a running pod comes out like the pod itself', () => {
    fc.assert(
      fc.property(arbitraryPod('wild'), legacy, (object, legacy) => {
        const first = stored(object, legacy);
        fc.pre(first !== undefined);
        const running = delivered(first);
        const copy = stored(running, legacy, OTHER_UID);
        expect(copy && rename(copy)).toEqual(first);
      }),
      RUNS,
    );
  });

  test('stripping is the inverse of building', () => {
    fc.assert(
      fc.property(arbitraryPod('plain'), legacy, (object, legacy) => {
        const result = stored(object, legacy);
        fc.pre(result !== undefined);
        expect(strip(result)).toEqual(object);
      }),
      RUNS,
    );
  });

  test('the kubelet fills every placeholder', () => {
    fc.assert(
      fc.property(arbitraryPod('wild'), (object) => {
        const result = stored(object, true);
        fc.pre(result !== undefined);
        for (const container of allContainers(result)) {
          const environment = kubeletEnvironment(container, (key) => `<${key.length}>`);
          for (const [name, value] of environment) {
            if (!name.startsWith('FAIRLEAD_SECRET_')) expect(value).not.toMatch(/FAIRLEAD_SECRET_/);
          }
        }
      }),
      RUNS,
    );
  });

  test('values without $( expand to the text with the values in it', () => {
    fc.assert(
      fc.property(arbitraryPod('plain'), (object) => {
        const result = stored(object, true);
        fc.pre(result !== undefined);
        const data = (key: string) => `<${key.slice('FAIRLEAD_SECRET_'.length)}>`;
        for (const [i, container] of allContainers(result).entries()) {
          const environment = kubeletEnvironment(container, data);
          const original = new Map((allContainers(object)[i]?.env ?? []).map((e) => [e.name, e]));
          for (const [name, { value, valueFrom }] of original) {
            if (valueFrom) continue;
            const text = kubeletExpand(value ?? '', new Map());
            expect(environment.get(name)).toBe(text.replaceAll(/\$\{secrets\.([-._a-zA-Z0-9]+)\}/g, '<$1>'));
          }
        }
      }),
      RUNS,
    );
  });

  test('a gated pod names one delivery, and the controller can read back what is asked of it', () => {
    fc.assert(
      fc.property(arbitraryPod('wild'), legacy, (object, legacy) => {
        const result = stored(object, legacy);
        fc.pre(result !== undefined && (result.spec.schedulingGates ?? []).some(({ name }) => name === GATE));
        const asked = new Set(JSON.stringify(result).match(/(?<="key":"FAIRLEAD_SECRET_)[^"]+/g) ?? []);
        expect(new Set(placeholderKeys(result, DELIVERY))).toEqual(asked);
        const names = result.metadata.annotations?.['fairlead.dev/containers']?.split(/[ ,]+/);
        const reads = names?.some((name) => allContainers(result).some((c) => c.name === name)) ?? true;
        expect(deliveryNameOf(result)).toBe(reads || asked.size > 0 ? DELIVERY : undefined);
      }),
      RUNS,
    );
  });
});

test('whatever the object is, the answer is a value and never a throw', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (metadata, spec) => {
      for (const object of [metadata, { metadata, spec }, { metadata: {}, spec: { containers: spec } }]) {
        const kinds: PodMutation['kind'][] = ['denied', 'unchanged', 'patched'];
        expect(kinds).toContain(mutatePod({ uid: UID, object }, { legacy: true }).kind);
      }
    }),
    RUNS,
  );
});

function respond(object: Pod, legacy: boolean) {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = { uid: UID, kind, operation: 'CREATE', namespace: 'team', object };
  const answer = admit({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }, { legacy });
  if (answer.status !== 200) throw new Error('not a review');
  return answer.body.response;
}

/** As the gate controller leaves it: the gate lifted, the annotation set. */
function delivered(object: Pod): Pod {
  const name = object.metadata.labels?.['fairlead.dev/delivery'];
  if (name === undefined) return object;
  const { schedulingGates = [], ...spec } = object.spec;
  const others = schedulingGates?.filter((gate) => gate.name !== GATE) ?? [];
  const annotations = { ...object.metadata.annotations, 'fairlead.dev/delivered': name };
  return {
    ...object,
    metadata: { ...object.metadata, annotations },
    spec: { ...spec, ...(others.length > 0 && { schedulingGates: others }) },
  };
}
