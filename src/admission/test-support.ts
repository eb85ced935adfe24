import * as fc from 'fast-check';
import type { PatchOperation } from './json-patch.ts';
import type { Pod } from './pod-shape.ts';

/** Builders, a JSON patch applier, the kubelet's expansion and generated pods, for the tests of this room. */
export const UID = '11111111-aaaa-4bbb-8ccc-222222222222';
export const OTHER_UID = '99999999-ffff-4eee-8ddd-000000000000';
export const DELIVERY = `fairlead-d-${UID}`;
export const OTHER_DELIVERY = `fairlead-d-${OTHER_UID}`;

interface PodParts {
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly containers?: readonly Record<string, unknown>[];
  readonly initContainers?: readonly Record<string, unknown>[];
  readonly spec?: Record<string, unknown>;
}

export function pod({ annotations, labels, containers, initContainers, spec }: PodParts = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'etl-',
      creationTimestamp: null,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    spec: {
      ...spec,
      ...(initContainers && { initContainers }),
      containers: containers ?? [{ name: 'main', image: 'etl:1' }],
    },
  } as unknown as Pod;
}

export const referring = (value: string, more: Record<string, string> = {}) => ({
  annotations: { 'fairlead.dev/secret-references': value, ...more },
});

/** `valueFrom.secretKeyRef`, as an env entry. */
export const fromSecret = (name: string, secret: string, key: string) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

/** RFC 6902 add, remove and replace on a copy; throws where the RFC says that the target must exist. */
export function applyPatch(document: unknown, patch: readonly PatchOperation[]): unknown {
  const root = structuredClone(document);
  for (const operation of patch) {
    const path = operation.path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = path.pop() ?? '';
    let parent = root as Record<string, unknown>;
    for (const step of path) {
      if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, step))
        throw new Error(`no ${step} in ${operation.path}`);
      parent = parent[step] as Record<string, unknown>;
    }
    if (operation.op === 'add') parent[last] = operation.value;
    else if (Object.hasOwn(parent, last)) delete parent[last];
    else throw new Error(`nothing to remove at ${operation.path}`);
  }
  return root;
}

/** k8s.io/kubernetes third_party/forked/golang/expansion: `$(NAME)`, `$$` is an escaped `$`. */
export function kubeletExpand(input: string, variables: ReadonlyMap<string, string>): string {
  let output = '';
  for (let i = 0; i < input.length; i++) {
    const next = input[i + 1];
    if (input[i] !== '$' || next === undefined) output += input[i];
    else if (next === '(' && input.includes(')', i + 2)) {
      const end = input.indexOf(')', i + 2);
      const name = input.slice(i + 2, end);
      output += variables.get(name) ?? `$(${name})`;
      i = end;
    } else {
      output += next === '$' ? '$' : `$${next}`;
      i++;
    }
  }
  return output;
}

/** The environment as the kubelet makes it from env entries, in order, with a delivery's data. */
export function kubeletEnvironment(
  container: Pod['spec']['containers'][number],
  data: (key: string) => string,
) {
  const variables = new Map<string, string>();
  for (const entry of container.env ?? []) {
    const key = entry.valueFrom?.secretKeyRef?.key;
    if (typeof key === 'string') variables.set(entry.name, data(key));
    else if (!entry.valueFrom) variables.set(entry.name, kubeletExpand(entry.value ?? '', variables));
  }
  return variables;
}

export const CANARY = 'hunter2';
const strangeName = fc.constantFrom('A', 'B_2', '__proto__', 'constructor', 'toString', 'ünï', 'PATH', '');
export const secretKey = fc.constantFrom('db_password', 'a.b-c', '__proto__', 'constructor', 'k', '..');
const placeholder = secretKey.map((key) => `\${secrets.${key}}`);
const plainText = fc.constantFrom('', ' ', 'jdbc:x://', CANARY, 'ü🚀', '{', '}', '${other.x}', '${secrets.}');
const operators = fc.constantFrom('$', '$$', '$(', ')', '$(A)', '$$(A)', '$${secrets.k}', '$(cat ');
const forgedText = secretKey.map((key) => `$(FAIRLEAD_SECRET_${key})`);

/** How wild the values are: `plain` has no `$(`, `wild` everything that is legal, `forged` our own names too. */
export type Wildness = 'plain' | 'wild' | 'forged';

function value(wildness: Wildness) {
  const pieces = [plainText, placeholder, ...(wildness === 'plain' ? [] : [operators])];
  if (wildness === 'forged') pieces.push(forgedText);
  return fc.oneof(
    placeholder,
    fc.array(fc.oneof(...pieces), { maxLength: 6 }).map((parts) => parts.join('')),
  );
}

function entry(wildness: Wildness) {
  const name = strangeName;
  const legal = [
    fc.record({ name, value: value(wildness) }),
    fc.record({ name }),
    fc.record({ name, valueFrom: fc.record({ fieldRef: fc.constant({ fieldPath: 'metadata.name' }) }) }),
    fc.tuple(name, secretKey).map(([n, key]) => fromSecret(n, 'their-secret', key)),
  ];
  if (wildness !== 'forged') return fc.oneof(...legal);
  const ours = fc.constantFrom(DELIVERY, OTHER_DELIVERY, 'fairlead-d-forged');
  const forged = [
    fc.tuple(secretKey, ours).map(([k, d]) => fromSecret(`FAIRLEAD_SECRET_${k}`, d, `FAIRLEAD_SECRET_${k}`)),
    fc.tuple(name, secretKey, ours).map(([n, k, d]) => fromSecret(n, d, `FAIRLEAD_SECRET_${k}`)),
    fc.tuple(name, secretKey, ours).map(([n, k, d]) => fromSecret(n, d, k)),
  ];
  return fc.oneof(...legal, ...forged);
}

function containers(prefix: string, wildness: Wildness, minLength: number) {
  const theirs = fc.constantFrom<object>(
    { configMapRef: { name: 'cm' } },
    { prefix: 'X_', secretRef: { name: 'their-secret', optional: true } },
  );
  const ours = fc.constantFrom<object>(
    { secretRef: { name: OTHER_DELIVERY } },
    { prefix: 'P_', secretRef: { name: 'fairlead-d-forged', optional: true } },
  );
  const container = fc.record(
    {
      image: fc.constant('image:1'),
      env: fc.array(entry(wildness), { maxLength: 5, minLength: 1 }),
      envFrom: fc.array(wildness === 'forged' ? fc.oneof(theirs, ours) : theirs, {
        maxLength: 3,
        minLength: 1,
      }),
      resources: fc.constant({ limits: { cpu: '1' }, ['__proto__x']: 1.5 }),
      args: fc.constant(['$(A)', '${secrets.k}']),
    },
    { requiredKeys: ['image'] },
  );
  return fc
    .array(container, { minLength, maxLength: 3 })
    .map((list) => list.map((c, i) => ({ name: `${prefix}${i}`, ...c })));
}

/** Pods as they can arrive; JSON all through, so `__proto__` is an own key where it is one. */
export function arbitraryPod(wildness: Wildness): fc.Arbitrary<Pod> {
  const gate = fc.constantFrom('kueue.x-k8s.io/admission', 'example.com/b', 'example.com/c');
  const gates = wildness === 'forged' ? fc.oneof(gate, fc.constant('fairlead.dev/secrets')) : gate;
  const forgedLabel = wildness === 'forged' ? { 'fairlead.dev/delivery': fc.constant('forged') } : {};
  const forgedNote = wildness === 'forged' ? { 'fairlead.dev/delivered': fc.constant('forged') } : {};
  return fc
    .record({
      labels: fc.option(
        fc.record(
          { app: fc.constant('etl'), PROTO: fc.constant('x'), ...forgedLabel },
          { requiredKeys: ['app'] },
        ),
        {
          nil: undefined,
        },
      ),
      annotations: fc.option(
        fc.record(
          {
            note: fc.constant('ü'),
            PROTO: fc.constant('y'),
            'fairlead.dev/secret-references': fc.constantFrom('warehouse', ' warehouse , lake,warehouse'),
            'fairlead.dev/containers': fc.constantFrom('c0', 'c1, i0', 'c0,later'),
            ...forgedNote,
          },
          { requiredKeys: ['note'] },
        ),
        { nil: undefined },
      ),
      gates: fc.uniqueArray(gates, { maxLength: 4 }),
      containers: containers('c', wildness, 1),
      initContainers: containers('i', wildness, 0),
    })
    .map(({ labels, annotations, gates, containers, initContainers }) =>
      pod({
        ...(labels && { labels: labels as Record<string, string> }),
        ...(annotations && { annotations: annotations as Record<string, string> }),
        containers,
        ...(initContainers.length > 0 && { initContainers }),
        spec: {
          ...(gates.length > 0 && { schedulingGates: gates.map((name) => ({ name })) }),
          volumes: [{ name: 'v', secret: { secretName: 'their-secret' } }],
          unknownToUs: { deep: [null, 1.25, '${secrets.k}'] },
        },
      }),
    )
    .map((made) => JSON.parse(JSON.stringify(made).replaceAll('PROTO', '__proto__')) as Pod);
}
