import { describe, expect, test } from 'vitest';
import { deliveryNameOf, placeholderKeys, recordedContainers, strip } from './marks.ts';
import { DELIVERY, fromSecret, OTHER_DELIVERY, pod } from './test-support.ts';

const GATE = { name: 'fairlead.dev/secrets' };
const envFrom = (name: string, more = {}) => ({ secretRef: { name, ...more } });
const ours = (name: string, key: string, delivery = DELIVERY) => fromSecret(name, delivery, key);

describe('strip', () => {
  test('takes away label, annotation, gate and envFrom, and the fields that only they filled', () => {
    const marked = pod({
      labels: { 'fairlead.dev/delivery': DELIVERY },
      annotations: { 'fairlead.dev/delivered': DELIVERY },
      spec: { schedulingGates: [GATE] },
      containers: [{ name: 'main', envFrom: [envFrom(DELIVERY)] }],
    });
    expect(strip(marked)).toEqual(pod({ containers: [{ name: 'main' }] }));
    expect(Object.keys(strip(marked).metadata)).not.toContain('labels');
  });

  test('leaves other labels, annotations, gates and envFrom as they are, in order', () => {
    const theirs = {
      labels: { app: 'etl' },
      annotations: { 'fairlead.dev/secret-references': 'warehouse', note: 'n' },
      gates: [{ name: 'a.example/a' }, { name: 'b.example/b' }],
      envFrom: [{ configMapRef: { name: 'fairlead-d-is-a-configmap' } }, envFrom('their-secret')],
    };
    const marked = pod({
      labels: { 'fairlead.dev/delivery': 'x', ...theirs.labels },
      annotations: { ...theirs.annotations, 'fairlead.dev/delivered': 'x' },
      spec: { schedulingGates: [theirs.gates[0], GATE, theirs.gates[1]] },
      containers: [{ name: 'main', envFrom: [theirs.envFrom[0], envFrom(DELIVERY), theirs.envFrom[1]] }],
    });
    expect(strip(marked)).toEqual(
      pod({
        labels: theirs.labels,
        annotations: theirs.annotations,
        spec: { schedulingGates: theirs.gates },
        containers: [{ name: 'main', envFrom: theirs.envFrom }],
      }),
    );
  });

  test.each([
    ['optional, so that the pod would start without it', envFrom(DELIVERY, { optional: true })],
    ['with a prefix', { prefix: 'X_', ...envFrom(OTHER_DELIVERY) }],
    ['with the bare prefix as name', envFrom('fairlead-d-')],
  ])('takes away a forged envFrom that is %s', (_, source) => {
    const marked = pod({ initContainers: [{ name: 'init', envFrom: [source] }] });
    expect(strip(marked)).toEqual(pod({ initContainers: [{ name: 'init' }] }));
  });

  test.each([
    [
      'a whole value',
      [ours('A', 'FAIRLEAD_SECRET_k', OTHER_DELIVERY)],
      [{ name: 'A', value: '${secrets.k}' }],
    ],
    [
      'a longer value and its feeder',
      [ours('FAIRLEAD_SECRET_k', 'FAIRLEAD_SECRET_k'), { name: 'A', value: 'x$(FAIRLEAD_SECRET_k)' }],
      [{ name: 'A', value: 'x${secrets.k}' }],
    ],
    [
      'values that stand before a misplaced feeder',
      [{ name: 'A', value: 'x$(FAIRLEAD_SECRET_k)' }, ours('FAIRLEAD_SECRET_k', 'FAIRLEAD_SECRET_k')],
      [{ name: 'A', value: 'x${secrets.k}' }],
    ],
    [
      'no reference without a feeder',
      [{ name: 'A', value: '$(FAIRLEAD_SECRET_k)' }],
      [{ name: 'A', value: '$(FAIRLEAD_SECRET_k)' }],
    ],
    [
      'a variable of another reserved name as a whole value',
      [ours('FAIRLEAD_SECRET_j', 'FAIRLEAD_SECRET_k')],
      [{ name: 'FAIRLEAD_SECRET_j', value: '${secrets.k}' }],
    ],
    ['nothing for a key that no placeholder has', [{ name: 'B' }, ours('A', 'DB_PASSWORD')], [{ name: 'B' }]],
    ['nothing for a broken key', [{ name: 'B' }, ours('A', 'FAIRLEAD_SECRET_')], [{ name: 'B' }]],
    ['their own secretKeyRef as it is', [fromSecret('A', 's', 'k')], [fromSecret('A', 's', 'k')]],
  ])('restores %s', (_, env, expected) => {
    expect(strip(pod({ containers: [{ name: 'main', env }] }))).toEqual(
      pod({ containers: [{ name: 'main', env: expected }] }),
    );
  });

  test('leaves no empty env behind', () => {
    const marked = pod({ containers: [{ name: 'main', env: [ours('A', 'DB_PASSWORD')] }] });
    expect(strip(marked)).toEqual(pod({ containers: [{ name: 'main' }] }));
  });

  test('restores each container by its own feeders', () => {
    const value = '$(FAIRLEAD_SECRET_k)';
    const fed = [ours('FAIRLEAD_SECRET_k', 'FAIRLEAD_SECRET_k'), { name: 'A', value }];
    const stripped = strip(
      pod({
        containers: [
          { name: 'a', env: fed },
          { name: 'b', env: [{ name: 'A', value }] },
        ],
      }),
    );
    expect(stripped.spec.containers.map((c) => c.env)).toEqual([
      [{ name: 'A', value: '${secrets.k}' }],
      [{ name: 'A', value }],
    ]);
  });

  test('gives the very same object for a pod without marks, empty and null lists included', () => {
    const clean = pod({
      spec: { schedulingGates: [] },
      initContainers: [{ name: 'init', env: null, envFrom: [] }],
      containers: [{ name: 'main', env: [], envFrom: null }],
    });
    expect(strip(clean)).toBe(clean);
  });

  test('does not change its input', () => {
    const marked = pod({
      labels: { 'fairlead.dev/delivery': DELIVERY, ['__proto__x']: 'y' },
      spec: { schedulingGates: [GATE] },
      containers: [{ name: 'main', env: [ours('A', 'FAIRLEAD_SECRET_k')], envFrom: [envFrom(DELIVERY)] }],
    });
    const before = structuredClone(marked);
    strip(marked);
    expect(marked).toEqual(before);
  });
});

describe('recordedContainers', () => {
  const containers = [{ name: 'a', envFrom: [envFrom(DELIVERY)] }, { name: 'b' }];

  test('are those with our envFrom while the gate is there', () => {
    const initContainers = [{ name: 'i', envFrom: [envFrom(OTHER_DELIVERY)] }];
    const gated = pod({ spec: { schedulingGates: [GATE] }, containers, initContainers });
    expect(recordedContainers(gated)).toEqual(new Set(['i', 'a']));
  });

  test.each([
    ['a copy of a running pod, which has no gate', pod({ containers })],
    ['a gate without our envFrom', pod({ spec: { schedulingGates: [GATE] } })],
    ['only gates of others', pod({ spec: { schedulingGates: [{ name: 'x' }] }, containers })],
    ['a new pod', pod()],
  ])('there are none for %s', (_, object) => expect(recordedContainers(object)).toBeUndefined());
});

describe('deliveryNameOf', () => {
  const read = (...names: string[]) => ({ name: 'c', envFrom: names.map((name) => envFrom(name)) });
  test.each([
    ['the one of all containers', [read(DELIVERY), read('other', DELIVERY)], DELIVERY],
    ['none without envFrom', [{ name: 'c' }], undefined],
    ['none of other Secrets', [read('their-secret')], undefined],
    ['none if two differ', [read(DELIVERY), read(OTHER_DELIVERY)], undefined],
    ['the one of a secretKeyRef', [{ name: 'c', env: [ours('A', 'FAIRLEAD_SECRET_k')] }], DELIVERY],
    [
      'envFrom before secretKeyRef',
      [{ ...read(DELIVERY), env: [ours('A', 'FAIRLEAD_SECRET_k', OTHER_DELIVERY)] }],
      DELIVERY,
    ],
    [
      'none if two secretKeyRefs differ',
      [{ name: 'c', env: [ours('A', 'FAIRLEAD_SECRET_k'), ours('B', 'FAIRLEAD_SECRET_k', OTHER_DELIVERY)] }],
      undefined,
    ],
  ])('is %s', (_, containers, expected) => expect(deliveryNameOf(pod({ containers }))).toBe(expected));

  test('also looks at init containers', () => {
    expect(deliveryNameOf(pod({ initContainers: [read(DELIVERY)] }))).toBe(DELIVERY);
    expect(
      deliveryNameOf(pod({ initContainers: [read(DELIVERY)], containers: [read(OTHER_DELIVERY)] })),
    ).toBe(undefined);
  });
});

describe('placeholderKeys', () => {
  test('are the keys that secretKeyRefs to this delivery ask for, each once', () => {
    const object = pod({
      initContainers: [{ name: 'i', env: [ours('A', 'FAIRLEAD_SECRET_z')] }],
      containers: [
        { name: 'a', env: [ours('A', 'FAIRLEAD_SECRET_k'), { name: 'B', value: 'FAIRLEAD_SECRET_no' }] },
        { name: 'b', env: [ours('X', 'FAIRLEAD_SECRET_k'), ours('Y', 'FAIRLEAD_SECRET___proto__')] },
        { name: 'c', env: [ours('X', 'FAIRLEAD_SECRET_other', OTHER_DELIVERY), ours('Y', 'DB_PASSWORD')] },
      ],
    });
    expect(placeholderKeys(object, DELIVERY)).toEqual(['z', 'k', '__proto__']);
  });
});
