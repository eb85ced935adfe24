import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { KubeError } from '../../kube/errors.ts';
import type { KubeObject, ObjectRef, Resource } from '../../kube/objects.ts';
import { LiveReads } from '../live.ts';
import type { GatedPod } from '../objects.ts';
import { legacySpark, type LegacySparkDependencies } from './legacy-spark.ts';

const LINE = 'spark.hadoop.a=${secrets.k}\n';
const CREATED = '2026-01-01T00:00:00Z';

const driver = (more: Partial<GatedPod> = {}) =>
  ({
    metadata: {
      name: 'driver',
      namespace: 'team',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: CREATED,
    },
    references: [],
    storages: [],
    placeholders: [],
    spark: { role: 'driver', configMap: 'conf-map' },
    seenAt: 0,
    ...more,
  }) as unknown as GatedPod;

const configMap = (data: Record<string, string>, more: object = {}, uid = 'u') => ({
  metadata: {
    ...{ name: 'conf-map', namespace: 'team', uid: 'c', resourceVersion: '1' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'driver', uid }],
  },
  immutable: true,
  data,
  ...more,
});

let clock: FakeClock;
let asked: string[];
let there: KubeObject | KubeError | undefined;
let labels: Record<string, string>;
let deps: LegacySparkDependencies;
beforeEach(() => {
  clock = new FakeClock(CREATED);
  [asked, there, labels] = [[], undefined, { 'fairlead.dev/legacy-placeholders': 'enabled' }];
  const get = async ({ plural }: Resource, { name }: ObjectRef) => {
    asked.push(`${plural} ${name}`);
    if (plural === 'namespaces') return { metadata: { name, uid: 'n', resourceVersion: '1', labels } };
    if (there instanceof KubeError) throw there;
    if (!there) throw new KubeError({ code: 'NotFound', message: 'x' });
    return there;
  };
  deps = { legacySpark: true, clock, live: new LiveReads({ get } as never, clock) };
});
const run = async (pod = driver()) => legacySpark(pod, new AbortController().signal, deps);

describe('the Spark configuration of a legacy driver', () => {
  it('is what admission took out of its ConfigMap', async () => {
    there = configMap({ 'spark.properties': 'spark.b=c\n', 'fairlead.properties': LINE });
    expect(await run()).toEqual({
      kind: 'lines',
      lines: [{ property: 'spark.hadoop.a', pieces: [{ key: 'k' }] }],
    });
  });

  it('is nothing if nothing was taken, whoever made the ConfigMap', async () => {
    there = configMap({ 'spark.properties': 'spark.b=c\n' }, { immutable: false }, 'other');
    expect(await run()).toEqual({ kind: 'lines', lines: [] });
  });

  it.each<[string, () => void, Partial<GatedPod>, string[]]>([
    ['the pod is no driver of spark-submit', () => {}, { spark: { role: 'driver' } }, []],
    [
      'the namespace is no legacy one',
      () => (labels = {}),
      { references: ['warehouse'] },
      ['namespaces team'],
    ],
    ['it is switched off', () => (deps = { ...deps, legacySpark: false }), { references: ['warehouse'] }, []],
  ])('is not asked for if %s', async (_, given, pod, expected) => {
    given();
    expect(await run(driver(pod))).toEqual({ kind: 'lines', lines: [] });
    expect(asked).toEqual(expected);
  });

  it.each<[string, () => void]>([
    ['the label is gone', () => (labels = {})],
    ['it is switched off here', () => (deps = { ...deps, legacySpark: false })],
  ])('holds a driver that waits for nothing else if %s', async (_, given) => {
    given();
    expect(await run()).toMatchObject({
      kind: 'wait',
      outcome: { kind: 'stalled', reason: 'NotSupportedHere' },
    });
  });

  it('is asked for every second at first, without a word, and the less often the older the driver is', async () => {
    expect(await run()).toEqual({ kind: 'wait', outcome: { kind: 'later', afterMs: 1000 } });
    const pollAfter = async (ms: number) => {
      await clock.advance(ms);
      return run();
    };
    const waits = (afterMs: number) => ({
      outcome: { kind: 'waiting', reason: 'ConfigMapNotFound', afterMs },
    });
    expect(await pollAfter(20_000)).toMatchObject(waits(2_000));
    expect(await pollAfter(130_000)).toMatchObject(waits(15_000));
    expect(await pollAfter(3_600_000)).toMatchObject(waits(30_000));
    there = configMap({ 'fairlead.properties': LINE });
    expect(await pollAfter(1_000)).toMatchObject({ kind: 'lines' });
  });

  it.each([
    ['256 properties', Array.from({ length: 256 }, (_, i) => `spark.hadoop.a${i}=\${secrets.k}`), 'lines'],
    ['257 properties', Array.from({ length: 257 }, (_, i) => `spark.hadoop.a${i}=\${secrets.k}`), 'TooLarge'],
    ['1,024 placeholders in one', [`spark.hadoop.a=${'${secrets.k}'.repeat(1024)}`], 'lines'],
    ['80,000 placeholders in one', [`spark.hadoop.a=${'${secrets.k}'.repeat(80_000)}`], 'TooLarge'],
  ])('is taken up to a limit: %s', async (_, lines, expected) => {
    there = configMap({ 'fairlead.properties': lines.join('\n') });
    const found = await run();
    expect(found.kind === 'lines' ? 'lines' : (found.outcome as { reason: string }).reason).toBe(expected);
  });

  it.each<[string, object, string]>([
    ['can change', configMap({ 'fairlead.properties': LINE }, { immutable: false }), 'is not immutable'],
    [
      'belongs to another pod',
      configMap({ 'fairlead.properties': LINE }, {}, 'other'),
      'does not belong to this driver',
    ],
    ['has not gone through the webhook', configMap({ 'spark.properties': LINE }), 'did not take out of it'],
  ])('is not taken from a ConfigMap that %s', async (_, object, says) => {
    there = object as KubeObject;
    expect(await run()).toMatchObject({
      outcome: { reason: 'NotSupportedHere', message: expect.stringContaining(says) },
    });
  });

  it('names what is missing if it may not be read', async () => {
    there = new KubeError({ code: 'Forbidden', status: 403, message: 'x' });
    expect(await run()).toMatchObject({
      outcome: {
        kind: 'waiting',
        reason: 'DeliveryRefused',
        message: expect.stringContaining('config/legacy-spark'),
      },
    });
  });

  it('is tried again after any other failure', async () => {
    there = new KubeError({ code: 'ServerError', status: 500, message: 'x' });
    await expect(run()).rejects.toBe(there);
  });
});
