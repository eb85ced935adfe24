import { describe, expect, it } from 'vitest';
import type { StorageConfigSpec } from '../../api/storage-config.ts';
import type { EnvEntry } from '../../api/secret-reference.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { GatedPod } from '../objects.ts';
import { waiting } from '../../runtime/outcome.ts';
import { deliveredMessage, hold, problemsOf, shownMessage, triage, wantedBy } from './decide.ts';

const pod = (rest: Partial<GatedPod> = {}): GatedPod => ({
  metadata: { name: 'driver', namespace: 'team-a', uid: 'u', resourceVersion: '1' },
  gated: true,
  delivered: false,
  deleting: false,
  serviceAccount: 'default',
  delivery: 'fairlead-d-1',
  storages: [],
  references: ['warehouse'],
  placeholders: [],
  condition: undefined,
  seenAt: 0,
  ...rest,
});
const env: EnvEntry[] = [{ name: 'A', secret: { key: 'a', source: { type: 'KUBERNETES', id: 'global' } } }];
const known = (name: string) => (name === 'warehouse' ? { name, env } : undefined);
const lakeSpec: StorageConfigSpec = {
  type: 'minio',
  bucket: 'lake',
  endpoint: 'http://minio',
  accessKey: 'a',
};
const lake = (name: string) => (name === 'lake' ? { name, spec: lakeSpec } : undefined);
const marketing = { domain: 'marketing', legacy: false };

describe('what is to be done with a pod', () => {
  it.each<[string, Partial<GatedPod>, string]>([
    ['resolves a gated pod', {}, 'resolve'],
    [
      'resolves a pod whose gate somebody else lifted before its delivery existed',
      { gated: false },
      'resolve',
    ],
    ['resolves a pod that has a forged mark of delivery but still its gate', { delivered: true }, 'resolve'],
    ['leaves a delivered pod alone', { gated: false, delivered: true }, 'leave'],
    ['leaves a pod alone that is being deleted', { deleting: true }, 'leave'],
    ['holds a gated pod whose envFrom the webhook did not write', { delivery: undefined }, 'hold'],
  ])('%s', (_, rest, kind) => {
    expect(triage(pod(rest)).kind).toBe(kind);
  });

  it('names the delivery from envFrom', () => {
    expect(triage(pod())).toEqual({ kind: 'resolve', delivery: 'fairlead-d-1' });
  });

  it('says what to do with a pod that can never get a delivery', () => {
    const held = triage(pod({ delivery: undefined }));
    expect(held.kind === 'hold' && hold(held.problems)).toMatchObject({
      kind: 'stalled',
      reason: 'GateHeld',
    });
  });
});

describe('what a pod asks for', () => {
  it('is what its references say', () => {
    const set = wantedBy(pod(), marketing, known, lake);
    expect(set.problems).toEqual([]);
    expect(set.variables.map(({ name }) => name)).toEqual(['A']);
  });

  it('is also what its storages give, after that', () => {
    const set = wantedBy(pod({ storages: ['lake'] }), marketing, known, lake);
    expect(set.problems).toEqual([]);
    expect(set.variables.map(({ name }) => name).slice(0, 2)).toEqual(['A', 'AWS_ACCESS_KEY_ID']);
    expect(set.storages).toEqual([{ name: 'lake', spec: lakeSpec }]);
  });

  it('is also what its references import', () => {
    const envFrom = [{ source: { type: 'KUBERNETES', id: 'global' } }] as const;
    const set = wantedBy(pod(), marketing, (name) => ({ name, envFrom }), lake);
    expect(set.imports).toEqual([{ name: 'envFrom[0] of warehouse', from: 'warehouse', entry: envFrom[0] }]);
  });

  it.each<[string, Partial<GatedPod>, { domain?: string; legacy: boolean } | undefined, string[]]>([
    ['waits while a reference is missing', { references: ['nope'] }, marketing, ['ReferenceNotFound']],
    [
      'waits while a storage is missing',
      { storages: ['lake', 'nope'] },
      marketing,
      ['StorageConfigNotFound'],
    ],
    ['waits while the namespace has no domain', {}, { legacy: false }, ['DomainMissing']],
    ['waits while the namespace is not known yet', {}, undefined, ['DomainMissing']],
    [
      'refuses placeholders without the legacy label',
      { placeholders: ['k'] },
      marketing,
      ['NotSupportedHere'],
    ],
    [
      'takes placeholders with the legacy label',
      { placeholders: ['k'] },
      { domain: 'marketing', legacy: true },
      [],
    ],
    ['refuses placeholders without a domain', { placeholders: ['k'] }, { legacy: true }, ['DomainMissing']],
  ])('%s', (_, rest, namespace, reasons) => {
    const about = namespace && { domain: namespace.domain, legacy: namespace.legacy };
    expect(wantedBy(pod(rest), about, known, lake).problems.map(({ reason }) => reason)).toEqual(reasons);
  });
});

describe('the event of a delivery', () => {
  const resolution = {
    ...{ counts: { variables: 1, properties: 1 }, provenance: ['VAULT/v@3'] },
  };

  it('says how much, from where and where to', () => {
    expect(deliveredMessage(resolution, 'fairlead-d-1', false)).toBe(
      '1 variable, 1 Spark property from VAULT/v@3 delivered in Secret fairlead-d-1',
    );
    expect(deliveredMessage(resolution, 'fairlead-d-1', true)).toBe(
      'what was resolved before was delivered in Secret fairlead-d-1',
    );
  });

  it('warns of properties that Spark shows, within bounds', () => {
    expect(shownMessage([])).toBeUndefined();
    expect(shownMessage(['spark.a', 'spark.b'])).toContain('spark.a, spark.b');
    const many = Array.from({ length: 64 }, (_, i) => `spark.${i}`.padEnd(253, 'x'));
    expect(Buffer.byteLength(shownMessage(many) ?? '')).toBeLessThanOrEqual(1024);
  });
});

describe('a pod that is held', () => {
  const sealed: Problem = { reason: 'Sealed', message: 'Vault is sealed', retryAfterMs: 3000 };

  it('waits, and is tried again when the source says so', () => {
    expect(hold([sealed])).toEqual({
      kind: 'waiting',
      reason: 'Sealed',
      message: 'Vault is sealed',
      afterMs: 3000,
      problems: [sealed],
    });
  });

  it('is told with its problems, which other outcomes do not have', () => {
    expect(problemsOf(hold([sealed]))).toEqual([sealed]);
    expect(problemsOf(waiting('Sealed', 'm'))).toEqual([]);
  });

  it('is stalled when only people can help', () => {
    expect(hold([{ reason: 'NameConflict', message: 'twice' }])).toMatchObject({
      kind: 'stalled',
      reason: 'NameConflict',
    });
  });
});
