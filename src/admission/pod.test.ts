import { describe, expect, test } from 'vitest';
import { mutatePod } from './pod.ts';
import type { Pod } from './pod-shape.ts';
import { DELIVERY, fromSecret, OTHER_DELIVERY, OTHER_UID, pod, referring, UID } from './test-support.ts';

const GATE = { name: 'fairlead.dev/secrets' };
const READS = [{ secretRef: { name: DELIVERY } }];
const LABEL = { 'fairlead.dev/delivery': DELIVERY };

const mutate = (object: unknown, legacy = false, uid = UID) => mutatePod({ uid, object }, { legacy });

function patched(object: unknown, legacy = false, uid = UID) {
  const mutation = mutate(object, legacy, uid);
  if (mutation.kind !== 'patched') throw new Error(`${mutation.kind}: ${JSON.stringify(mutation)}`);
  return mutation;
}

const readers = ({ spec }: Pod) =>
  [...(spec.initContainers ?? []), ...spec.containers].filter((c) => c.envFrom?.length).map((c) => c.name);

describe('a pod that names SecretReferences', () => {
  test('gets gate, label and envFrom in every container and init container', () => {
    const parts = referring('warehouse, lake');
    const object = pod({
      ...parts,
      initContainers: [{ name: 'init' }],
      containers: [{ name: 'a' }, { name: 'b' }],
    });
    expect(mutate(object)).toEqual({
      kind: 'patched',
      warnings: [],
      pod: pod({
        ...parts,
        labels: LABEL,
        spec: { schedulingGates: [GATE] },
        initContainers: [{ name: 'init', envFrom: READS }],
        containers: [
          { name: 'a', envFrom: READS },
          { name: 'b', envFrom: READS },
        ],
      }),
    });
  });

  test('gets the same for StorageConfigs alone, and for both', () => {
    for (const annotations of [
      { 'fairlead.dev/storage': 'lake' },
      { 'fairlead.dev/storage': 'lake', 'fairlead.dev/secret-references': 'warehouse' },
    ]) {
      const mutated = mutatePod({ uid: UID, object: pod({ annotations }) }, { legacy: false });
      expect(mutated).toMatchObject({
        kind: 'patched',
        pod: {
          metadata: { labels: { 'fairlead.dev/delivery': DELIVERY } },
          spec: {
            schedulingGates: [{ name: 'fairlead.dev/secrets' }],
            containers: [{ envFrom: [{ secretRef: { name: DELIVERY } }] }],
          },
        },
      });
    }
  });

  test('is denied if one of its annotations is wrong, whatever the other says', () => {
    const annotations = { 'fairlead.dev/storage': 'Lake', 'fairlead.dev/secret-references': 'warehouse' };
    expect(mutatePod({ uid: UID, object: pod({ annotations }) }, { legacy: false })).toEqual({
      kind: 'denied',
      message: expect.stringContaining(`names "Lake": a StorageConfig's name`),
    });
  });

  test('keeps what it has: labels, gates in order, and envFrom before ours', () => {
    const gates = [{ name: 'kueue.x-k8s.io/admission' }, { name: 'example.com/other' }];
    const theirs = [{ configMapRef: { name: 'cm' } }];
    const { pod: result } = patched(
      pod({
        ...referring('warehouse'),
        labels: { app: 'etl' },
        spec: { schedulingGates: gates, priority: 7 },
        containers: [{ name: 'main', env: [{ name: 'A', value: '${secrets.k}' }], envFrom: theirs }],
      }),
    );
    expect(result.metadata.labels).toEqual({ app: 'etl', ...LABEL });
    expect(result.spec).toMatchObject({ schedulingGates: [...gates, GATE], priority: 7 });
    expect(result.spec.containers).toEqual([
      { name: 'main', env: [{ name: 'A', value: '${secrets.k}' }], envFrom: [...theirs, ...READS] },
    ]);
  });

  test('gives them to the containers that fairlead.dev/containers names, and to no other', () => {
    const annotations = referring('warehouse', { 'fairlead.dev/containers': 'b, init' }).annotations;
    const object = pod({
      annotations,
      initContainers: [{ name: 'init' }, { name: 'other' }],
      containers: [{ name: 'a' }, { name: 'b' }],
    });
    expect(readers(patched(object).pod)).toEqual(['init', 'b']);
  });

  test('is warned of a named container that is not there, since another webhook may bring it', () => {
    const { annotations } = referring('warehouse', { 'fairlead.dev/containers': 'main,sidecar' });
    const first = patched(pod({ annotations }));
    expect(first.warnings).toEqual([
      'fairlead.dev/containers names "sidecar", which the pod does not have (yet)',
    ]);
    const injected = { ...first.pod, spec: { ...first.pod.spec, containers: [{ name: 'sidecar' }] } };
    expect(readers(patched(injected, false, OTHER_UID).pod)).toEqual(['sidecar']);
  });

  test('has no more than five warnings', () => {
    const names = Array.from({ length: 9 }, (_, i) => `missing-${i}`).join();
    const { annotations } = referring('warehouse', { 'fairlead.dev/containers': names });
    expect(patched(pod({ annotations })).warnings).toHaveLength(5);
  });

  test.each([
    ['names none', referring(' , '), /secret-references is empty/],
    ['names something that is no object name', referring('Ware_House'), /names "Ware_House"/],
    [
      'names containers with an empty list',
      referring('a', { 'fairlead.dev/containers': '' }),
      /containers is empty/,
    ],
    [
      'names an impossible container',
      referring('a', { 'fairlead.dev/containers': 'A/B' }),
      /cannot be the name/,
    ],
    [
      'is bound to a node',
      { ...referring('a'), spec: { nodeName: 'n1' } },
      /sets spec\.nodeName.* nodeSelector/,
    ],
  ])('is denied if it %s', (_, parts, message) => {
    expect(mutate(pod(parts))).toEqual({ kind: 'denied', message: expect.stringMatching(message) });
  });

  test('is not touched if it is a mirror pod', () => {
    const { annotations } = referring('warehouse', { 'kubernetes.io/config.mirror': 'hash' });
    expect(mutate(pod({ annotations, labels: LABEL, spec: { nodeName: 'n1' } }))).toEqual({
      kind: 'unchanged',
      warnings: ['Fairlead leaves mirror pods alone: this pod gets no secrets'],
    });
  });

  test('does not get out of the gate by calling itself a mirror pod', () => {
    const { annotations } = referring('warehouse', { 'kubernetes.io/config.mirror': 'hash' });
    expect(patched(pod({ annotations })).pod.spec.schedulingGates).toEqual([GATE]);
  });

  test('keeps placeholders literal where the namespace is not labelled for them, and is warned', () => {
    const containers = [{ name: 'main', env: [{ name: 'A', value: 'x${secrets.k}' }] }];
    const { pod: result, warnings } = patched(pod({ ...referring('warehouse'), containers }));
    expect(result.spec.containers[0]?.env).toEqual(containers[0]?.env);
    expect(warnings).toEqual([expect.stringMatching(/stays literal here.*legacy-placeholders/)]);
  });
});

describe('called again after other webhooks', () => {
  const first = () => patched(pod({ ...referring('warehouse'), containers: [{ name: 'main' }] })).pod;
  const inject = (object: Pod, ...containers: Pod['spec']['containers']) => ({
    ...object,
    spec: { ...object.spec, containers: [...containers, ...object.spec.containers] },
  });

  test('changes the name only', () => {
    const again = patched(first(), false, OTHER_UID).pod;
    expect(JSON.stringify(again).replaceAll(OTHER_DELIVERY, DELIVERY)).toBe(JSON.stringify(first()));
  });

  test('gives an injected sidecar nothing, and says so', () => {
    const again = patched(inject(first(), { name: 'istio-proxy' }), false, OTHER_UID);
    expect(readers(again.pod)).toEqual(['main']);
    expect(again.warnings).toEqual([
      '"istio-proxy" was added later and gets no secrets unless fairlead.dev/containers names it',
    ]);
  });

  test('gives an injected sidecar what the user wants it to have', () => {
    const { annotations } = referring('warehouse', { 'fairlead.dev/containers': 'istio-proxy,main' });
    const { pod: object } = patched(pod({ annotations, containers: [{ name: 'main' }] }));
    expect(readers(patched(inject(object, { name: 'istio-proxy' }), false, OTHER_UID).pod)).toEqual([
      'istio-proxy',
      'main',
    ]);
  });

  test('rewrites placeholders that a sidecar brings into a legacy namespace, without giving it all else', () => {
    const env = [{ name: 'A', value: '${secrets.k}' }];
    const again = patched(inject(first(), { name: 'sidecar', env }), true, OTHER_UID);
    expect(readers(again.pod)).toEqual(['main']);
    expect(again.pod.spec.containers[0]?.env).toEqual([fromSecret('A', OTHER_DELIVERY, 'FAIRLEAD_SECRET_k')]);
  });

  test('puts our gate behind one that came in between', () => {
    const object = first();
    const gates = [GATE, { name: 'example.com/late' }];
    const again = patched({ ...object, spec: { ...object.spec, schedulingGates: gates } });
    expect(again.pod.spec.schedulingGates).toEqual([{ name: 'example.com/late' }, GATE]);
  });
});

describe('marks that are not from this admission', () => {
  test('a copy of a running pod gets a delivery of its own, in all containers', () => {
    const copied = pod({
      ...referring('warehouse', { 'fairlead.dev/delivered': OTHER_DELIVERY }),
      labels: { 'fairlead.dev/delivery': OTHER_DELIVERY },
      containers: [{ name: 'main', envFrom: [{ secretRef: { name: OTHER_DELIVERY } }] }, { name: 'sidecar' }],
    });
    const { pod: result } = patched(copied);
    expect(JSON.stringify(result)).not.toContain(OTHER_DELIVERY);
    expect(result.metadata.annotations).not.toHaveProperty(['fairlead.dev/delivered']);
    expect(readers(result)).toEqual(['main', 'sidecar']);
  });

  test('a forged label and gate without anything to do are taken away, and the pod goes on', () => {
    const forged = pod({ labels: { app: 'x', ...LABEL }, spec: { schedulingGates: [GATE] } });
    expect(patched(forged).pod).toEqual(pod({ labels: { app: 'x' }, spec: {} }));
  });

  test('a copy that is bound to a node but asks for nothing is cleaned and passes', () => {
    expect(patched(pod({ labels: LABEL, spec: { nodeName: 'n1' } })).pod).toEqual(
      pod({ spec: { nodeName: 'n1' } }),
    );
  });

  test('a copy from a legacy namespace keeps its placeholders as text elsewhere, and is warned', () => {
    const { pod: legacy } = patched(
      pod({ containers: [{ name: 'main', env: [{ name: 'A', value: '${secrets.k}' }] }] }),
      true,
    );
    const { pod: result, warnings } = patched(legacy, false, OTHER_UID);
    expect(result.spec.containers[0]?.env).toEqual([{ name: 'A', value: '${secrets.k}' }]);
    expect(result.spec.schedulingGates).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/stays literal/)]);
  });
});

describe('in a legacy namespace', () => {
  const withPlaceholder = { name: 'main', env: [{ name: 'A', value: '${secrets.k}' }] };

  test('a placeholder alone gates the pod and gives the container that has it the delivery', () => {
    const { pod: result } = patched(
      pod({ initContainers: [{ name: 'init' }], containers: [withPlaceholder, { name: 'b' }] }),
      true,
    );
    expect(result).toEqual(
      pod({
        labels: LABEL,
        spec: { schedulingGates: [GATE] },
        initContainers: [{ name: 'init' }],
        containers: [
          { name: 'main', env: [fromSecret('A', DELIVERY, 'FAIRLEAD_SECRET_k')], envFrom: READS },
          { name: 'b' },
        ],
      }),
    );
  });

  test('with references as well, every container gets the delivery', () => {
    const containers = [withPlaceholder, { name: 'b' }];
    expect(readers(patched(pod({ ...referring('warehouse'), containers }), true).pod)).toEqual(['main', 'b']);
  });

  test('fairlead.dev/containers decides over envFrom, not over placeholders', () => {
    const { annotations } = referring('warehouse', { 'fairlead.dev/containers': 'b' });
    const { pod: result } = patched(pod({ annotations, containers: [withPlaceholder, { name: 'b' }] }), true);
    expect(readers(result)).toEqual(['b']);
    expect(result.spec.containers[0]?.env).toEqual([fromSecret('A', DELIVERY, 'FAIRLEAD_SECRET_k')]);
  });

  test.each([
    ['a key that is too long', { name: 'A', value: '${secrets.' + 'k'.repeat(238) + '}' }, /longer than 237/],
    ['a reserved name', { name: 'FAIRLEAD_SECRET_k', value: '${secrets.k}' }, /is reserved/],
  ])('a pod with %s is denied, with the container named', (_, entry, message) => {
    const mutation = mutate(pod({ initContainers: [{ name: 'init', env: [entry] }] }), true);
    expect(mutation).toEqual({ kind: 'denied', message: expect.stringMatching(message) });
    expect(mutation).toHaveProperty('message', expect.stringMatching(/^container "init" /));
  });

  test('a placeholder in a pod that is bound to a node is denied', () => {
    expect(mutate(pod({ containers: [withPlaceholder], spec: { nodeName: 'n' } }), true).kind).toBe('denied');
  });

  test('a pod without placeholders and marks is left alone', () => {
    const env = [{ name: 'A', value: '$${secrets.x} ${other.x}' }];
    expect(mutate(pod({ containers: [{ name: 'main', env }] }), true)).toEqual({
      kind: 'unchanged',
      warnings: [],
    });
  });

  test('placeholders in args, commands and ephemeral containers are not ours', () => {
    const object = pod({
      spec: { ephemeralContainers: [{ name: 'debug', env: [{ name: 'A', value: '${secrets.k}' }] }] },
      containers: [{ name: 'main', command: ['${secrets.k}'], args: ['${secrets.k}'] }],
    });
    expect(mutate(object, true).kind).toBe('unchanged');
  });
});

test.each([
  ['null', null],
  ['a string', 'pod'],
  ['an array', []],
  ['an object without metadata', { spec: { containers: [] } }],
  ['an object without spec', { metadata: {} }],
  ['containers that are no list', { metadata: {}, spec: { containers: {} } }],
  ['a container that is null', { metadata: {}, spec: { containers: [null] } }],
  ['an env value that is a number', pod({ containers: [{ name: 'a', env: [{ name: 'A', value: 1 }] }] })],
  ['a label that is a number', pod({ labels: { a: 1 as unknown as string } })],
])('%s is no Pod and is denied', (_, object) => {
  expect(mutate(object)).toEqual({ kind: 'denied', message: 'the object is not a Pod' });
});
