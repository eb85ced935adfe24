import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownOptions } from './options.ts';
import { mutatePod } from './pod.ts';
import { allContainers, type Pod } from './pod-shape.ts';
import { DELIVERY, fromSecret, kubeletEnvironment, OTHER_UID, pod, referring, UID } from './test-support.ts';

const OURS = '$(FAIRLEAD_SPARK_OPTS)';
const options = (value: string) => ({ name: 'SPARK_SUBMIT_OPTS', value });
const with_ = (...env: object[]) => pod({ ...referring('warehouse'), containers: [{ name: 'main', env }] });

function mutated(object: Pod, { legacy = false, uid = UID } = {}): Pod {
  const mutation = mutatePod({ uid, object }, { legacy });
  if (mutation.kind === 'denied') throw new Error(mutation.message);
  return mutation.kind === 'patched' ? mutation.pod : object;
}
const envOf = (object: Pod) => allContainers(object)[0]?.env;

describe('a SPARK_SUBMIT_OPTS that the pod sets itself', () => {
  it('gets our options behind it', () => {
    expect(envOf(mutated(with_(options('-Da=b'), { name: 'A', value: '1' })))).toEqual([
      options(`-Da=b ${OURS}`),
      { name: 'A', value: '1' },
    ]);
  });

  it('may be empty or absent', () => {
    expect(envOf(mutated(with_(options(''))))).toEqual([options(` ${OURS}`)]);
    expect(envOf(mutated(with_({ name: 'SPARK_SUBMIT_OPTS' })))).toEqual([options(` ${OURS}`)]);
  });

  it('keeps our options where people wrote them', () => {
    expect(envOf(mutated(with_(options(`${OURS} -Da=b`))))).toEqual([options(`${OURS} -Da=b`)]);
  });

  it.each([
    ['a reference that is not closed', '-Da=$(x', `-Da=$$(x ${OURS}`],
    ['two of them', '$(a $(b', `$$(a $$(b ${OURS}`],
    ['one that is escaped', '$$(a', `$$(a ${OURS}`],
    ['ours, escaped', `$${OURS}`, `$${OURS} ${OURS}`],
    ['one that is closed, and one that is not', '$(a) $(b', `$(a) $$(b ${OURS}`],
  ])('does not swallow our options by %s', (_, value, expected) => {
    expect(envOf(mutated(with_(options(value))))).toEqual([options(expected)]);
  });

  it('counts as the last of its name', () => {
    expect(envOf(mutated(with_(options('a'), options('b'))))).toEqual([options('a'), options(`b ${OURS}`)]);
  });

  it('stays if it comes from somewhere else, with a warning', () => {
    const env = [fromSecret('SPARK_SUBMIT_OPTS', 'theirs', 'k')];
    const mutation = mutatePod({ uid: UID, object: with_(...env) }, { legacy: false });
    expect(mutation).toMatchObject({
      kind: 'patched',
      warnings: [expect.stringContaining('SPARK_SUBMIT_OPTS from valueFrom')],
    });
    expect(mutation.kind === 'patched' && envOf(mutation.pod)).toEqual(env);
  });

  it('may be in envFrom of a driver, which nobody sees here: so there is a warning', () => {
    const containers = [{ name: 'main', envFrom: [{ configMapRef: { name: 'theirs' } }] }];
    const warningsOf = (labels: Record<string, string>, more: object = {}) => {
      const object = pod({ ...referring('warehouse'), labels, containers: [{ ...containers[0], ...more }] });
      return mutatePod({ uid: UID, object }, { legacy: false });
    };
    expect(warningsOf({ 'spark-role': 'driver' })).toMatchObject({
      warnings: [
        expect.stringContaining('"main" has envFrom of its own: a SPARK_SUBMIT_OPTS in it is hidden'),
      ],
    });
    expect(warningsOf({})).toMatchObject({ warnings: [] });
    expect(warningsOf({ 'spark-role': 'driver' }, { env: [options('')] })).toMatchObject({ warnings: [] });
  });

  it('stays in containers that get no secrets', () => {
    const env = [options('-Da=b')];
    const object = pod({
      ...referring('warehouse', { 'fairlead.dev/containers': 'main' }),
      containers: [{ name: 'main' }, { name: 'side', env }],
    });
    expect(mutated(object).spec.containers[1]?.env).toEqual(env);
  });

  it('may be nothing but a placeholder', () => {
    const result = mutated(with_(options('${secrets.k}')), { legacy: true });
    expect(envOf(result)).toEqual([
      fromSecret('FAIRLEAD_SECRET_k', DELIVERY, 'FAIRLEAD_SECRET_k'),
      options(`$(FAIRLEAD_SECRET_k) ${OURS}`),
    ]);
    expect(envOf(mutated(result, { legacy: true }))).toEqual(envOf(result));
  });

  it('loses our options again in a copy that asks for no secrets', () => {
    const { metadata, ...rest } = mutated(with_(options('-Da=b')));
    const copy = { ...rest, metadata: { ...metadata, annotations: { 'fairlead.dev/delivered': DELIVERY } } };
    expect(envOf(mutated(copy))).toEqual([options('-Da=b')]);
  });

  const value = fc
    .array(fc.constantFrom('-Da=b', ' ', '$', '$(', ')', '$$', OURS, '$(A)', '${secrets.k}', '"', ''))
    .map((parts) => parts.join(''));

  it('is the same after another pass, whatever it is', () => {
    fc.assert(
      fc.property(value, fc.boolean(), (text, legacy) => {
        const first = mutated(with_(options(text)), { legacy });
        expect(mutated(first, { legacy })).toEqual(first);
        const again = JSON.stringify(mutated(first, { legacy, uid: OTHER_UID }));
        expect(again.replaceAll(OTHER_UID, UID)).toEqual(JSON.stringify(first));
      }),
    );
  });

  it('reaches the JVM as it would alone, with our options in it', () => {
    fc.assert(
      fc.property(value, (text) => {
        fc.pre(!text.includes(OURS));
        const plain = kubeletEnvironment({ name: 'x', env: [options(text)] }, () => '');
        const env = [
          { name: 'FAIRLEAD_SPARK_OPTS', value: '<ours>' },
          ...(envOf(mutated(with_(options(text)))) ?? []),
        ];
        const filled = kubeletEnvironment({ name: 'x', env }, () => '');
        expect(filled.get('SPARK_SUBMIT_OPTS')).toBe(`${plain.get('SPARK_SUBMIT_OPTS')} <ours>`);
      }),
    );
  });
});

describe('what the controller reads back', () => {
  const ours = { variable: 'FAIRLEAD_SPARK_OPTS' };

  it('is where the pod names our options, in pieces', () => {
    const object = with_(options(`ü ${OURS}`), { name: 'OTHER', value: OURS });
    expect(ownOptions(object)).toEqual([
      { variable: 'SPARK_SUBMIT_OPTS', pieces: ['ü ', ours] },
      { variable: 'OTHER', pieces: [ours] },
    ]);
  });

  it('is known behind an escaped dollar, too, and not added once more', () => {
    const object = with_(options(`$$${OURS}`));
    expect(ownOptions(object)[0]?.pieces).toEqual(['$', ours]);
    expect(envOf(mutated(object))).toEqual([options(`$$${OURS}`)]);
  });

  it('names secrets that the kubelet fills in, and not what the container sets itself', () => {
    const env = [
      fromSecret('FAIRLEAD_SECRET_k', DELIVERY, 'FAIRLEAD_SECRET_k'),
      { name: 'OWN', value: '1' },
      options(`$(FAIRLEAD_SECRET_k)$(OWN)$(DB) ${OURS}`),
    ];
    expect(ownOptions(with_(...env))[0]?.pieces).toEqual([
      { variable: 'FAIRLEAD_SECRET_k' },
      { variable: 'DB' },
      ' ',
      ours,
    ]);
  });

  it('is one for each name, the last, however often a pod repeats itself', () => {
    const many = Array.from({ length: 40_000 }, () => ({ name: 'A', value: OURS }));
    const object = with_(...many, { name: 'A', value: `last ${OURS}` });
    expect(ownOptions(object)).toEqual([{ variable: 'A', pieces: ['last ', ours] }]);
  });

  it.each([
    ['nothing names our options', [options('-Da=b')]],
    ['they are escaped', [options(`$${OURS}`)]],
    ['the value comes from somewhere else', [fromSecret('SPARK_SUBMIT_OPTS', 's', 'k')]],
  ])('is nothing if %s', (_, env) => expect(ownOptions(with_(...env))).toEqual([]));
});
