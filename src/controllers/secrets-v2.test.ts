import { describe, expect, it } from 'vitest';
import { collectWanted } from '../resolve/wanted.ts';
import { entryStates, importStates, referenceOutcome } from './secret-reference/decide.ts';
import { podSwitchedOff, switchedOffResolution } from './secrets-v2.ts';

const source = { type: 'VAULT', id: 'v' } as const;

describe('a pod', () => {
  it.each([
    ['with a reference is served', true, ['warehouse'], [], undefined],
    ['without one is served', true, [], [], undefined],
    ['with a reference waits while they are switched off', false, ['warehouse'], [], 'FeatureDisabled'],
    ['with a storage waits while they are switched off', false, [], ['lake'], 'FeatureDisabled'],
    ['that has placeholders alone is served all the same', false, [], [], undefined],
  ])('%s', (_, secretsV2, references, storages, reason) => {
    expect(podSwitchedOff({ references, storages }, { secretsV2 })?.reason).toBe(reason);
  });

  it('is told the name of the flag', () => {
    expect(podSwitchedOff({ references: ['r'], storages: [] }, { secretsV2: false })?.message).toContain(
      '--secrets-v2=false',
    );
  });
});

describe('a reference that is switched off', () => {
  const wanted = collectWanted(
    [
      {
        name: 'r',
        env: [{ name: 'A', secret: { key: 'a', source }, optional: true }],
        sparkConf: [{ name: 'spark.hadoop.b', secret: { key: 'b', source } }],
        envFrom: [{ source }],
      },
    ],
    [],
  );
  const off = switchedOffResolution(wanted);

  it('waits and is not stalled: nobody has to change it', () => {
    expect(referenceOutcome(off, 1000)).toMatchObject({ kind: 'waiting', reason: 'FeatureDisabled' });
  });

  it('says so of each of its parts, also of those that are optional', () => {
    expect(entryStates(off)).toEqual([
      { name: 'A', ...source, state: 'FeatureDisabled' },
      { name: 'spark.hadoop.b', ...source, state: 'FeatureDisabled' },
    ]);
    expect(importStates(off)).toEqual([{ ...source, state: 'FeatureDisabled', variables: 0 }]);
  });
});
