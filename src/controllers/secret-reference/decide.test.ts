import { describe, expect, it } from 'vitest';
import type { Problem } from '../../resolve/problem.ts';
import type { EntryState, ImportState, Resolution } from '../../resolve/resolve.ts';
import { readyConditions } from '../ready.ts';
import { entryStates, importStates, referenceOutcome } from './decide.ts';

const entry = (name: string, type: 'VAULT' | 'KUBERNETES', more: Partial<EntryState> = {}): EntryState => ({
  wanted: { name, optional: false, secret: { key: 'k', source: { type, id: 'x' } } },
  ...more,
});
const problem = (reason: Problem['reason']): Problem => ({ reason, message: 'why', entry: 'A' });
const resolution = (more: Partial<Resolution>): Resolution => ({
  entries: [],
  imports: [],
  properties: new Map(),
  problems: [],
  data: new Map(),
  provenance: [],
  ...more,
});
const now = new Date('2026-05-01T10:00:00.700Z');
const later = new Date('2026-05-01T11:00:00Z');

describe('a reference', () => {
  it('is ready if everything is there, and is looked at again later', () => {
    const data = new Map([['A', Buffer.from('1')]]);
    expect(referenceOutcome(resolution({ data }), 1000)).toEqual({
      kind: 'done',
      reason: 'Resolved',
      message: '1 variable',
      afterMs: 1000,
    });
  });

  it('names the optional ones that are missing', () => {
    const entries = [entry('A', 'VAULT', { problem: problem('KeyNotFound') })];
    expect(referenceOutcome(resolution({ entries }), 1000)).toMatchObject({
      message: '0 variables; missing but optional: A',
    });
  });

  it.each([
    ['waits', 'KeyNotFound', 'waiting'],
    ['is stalled', 'NameConflict', 'stalled'],
  ] as const)('%s with the reason', (_, reason, kind) => {
    expect(referenceOutcome(resolution({ problems: [problem(reason)] }), 1000)).toMatchObject({
      kind,
      reason,
    });
  });

  it('tells the state of each import with its place and its number of variables, and no names', () => {
    const source = { type: 'VAULT', id: 'x' } as const;
    const one = (entry: object, more: Partial<ImportState>): ImportState => ({
      wanted: { name: 'envFrom[0] of r', entry: { source, ...entry } },
      variables: 0,
      ...more,
    });
    const imports = [
      one({ path: '/db/', select: { keys: ['k'] } }, { version: 4, variables: 7 }),
      one({}, { problem: problem('NotAVariableName') }),
    ];
    expect(importStates(resolution({ imports }))).toEqual([
      { type: 'VAULT', id: 'x', path: 'db', version: 4, state: 'Resolved', variables: 7 },
      { type: 'VAULT', id: 'x', state: 'NotAVariableName', variables: 0 },
    ]);
    expect(importStates(resolution({}))).toBeUndefined();
  });

  it('names an optional import that is missing', () => {
    const wanted = { name: 'envFrom[0] of r', entry: { source: { type: 'VAULT', id: 'x' } } } as const;
    const imports = [{ wanted, problem: problem('PathNotFound'), variables: 0 }];
    expect(referenceOutcome(resolution({ imports }), 1000)).toMatchObject({
      message: '0 variables; missing but optional: envFrom[0] of r',
    });
  });

  it('tells the state of each entry, and a version only where there is one', () => {
    const entries = [
      entry('A', 'VAULT', { version: 4 }),
      entry('B', 'KUBERNETES', { problem: problem('StoreNotFound') }),
    ];
    expect(entryStates(resolution({ entries }))).toEqual([
      { name: 'A', type: 'VAULT', id: 'x', state: 'Resolved', version: 4 },
      { name: 'B', type: 'KUBERNETES', id: 'x', state: 'StoreNotFound' },
    ]);
  });
});

describe('its conditions', () => {
  const ready = { kind: 'done', reason: 'Resolved', message: 'm' } as const;
  const stalled = { kind: 'stalled', reason: 'NameConflict', message: 'm' } as const;
  const types = (conditions: readonly { type: string; status: string }[]) =>
    conditions.map(({ type, status }) => `${type}=${status}`);

  it('carry the generation and the time without fractions', () => {
    expect(readyConditions([], ready, 3, now)).toEqual([
      {
        type: 'Ready',
        status: 'True',
        reason: 'Resolved',
        message: 'm',
        observedGeneration: 3,
        lastTransitionTime: '2026-05-01T10:00:00Z',
      },
    ]);
  });

  it('add Stalled only while waiting does not help', () => {
    const first = readyConditions([], stalled, 1, now);
    expect(types(first)).toEqual(['Ready=False', 'Stalled=True']);
    expect(types(readyConditions(first, ready, 2, later))).toEqual(['Ready=True']);
  });

  it('are the same list if nothing changed', () => {
    const first = readyConditions([], stalled, 1, now);
    expect(readyConditions(first, stalled, 1, later)).toBe(first);
  });
});
