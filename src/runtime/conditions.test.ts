import { describe, expect, it } from 'vitest';
import { boundedMessage, removeCondition, setCondition, type Condition } from './conditions.ts';

const then = new Date('2026-01-01T10:00:00.123Z');
const now = new Date('2026-01-01T11:00:00.456Z');
const wanted = {
  type: 'Ready',
  status: 'True',
  reason: 'Resolved',
  message: '3 variables',
  observedGeneration: 1,
} as const;
const before = setCondition([], wanted, then);
const stalled: Condition = {
  type: 'Stalled',
  status: 'True',
  reason: 'NameConflict',
  message: 'x',
  lastTransitionTime: '2026-01-01T09:00:00Z',
};

describe('setting a condition', () => {
  it('adds it, in whole seconds as Kubernetes writes times', () => {
    expect(before).toEqual([{ ...wanted, lastTransitionTime: '2026-01-01T10:00:00Z' }]);
  });

  it('returns the same list if nothing changed', () => {
    expect(setCondition(before, wanted, now)).toBe(before);
  });

  it.each<[string, Partial<Condition>, string]>([
    ['moves the time when the status changes', { status: 'False' }, '2026-01-01T11:00:00Z'],
    ['keeps the time when only the reason changes', { reason: 'Other' }, '2026-01-01T10:00:00Z'],
    ['keeps the time when only the message changes', { message: '4 variables' }, '2026-01-01T10:00:00Z'],
    ['keeps the time when only the generation changes', { observedGeneration: 2 }, '2026-01-01T10:00:00Z'],
  ])('%s', (_, change, lastTransitionTime) => {
    const after = setCondition(before, { ...wanted, ...change }, now);
    expect(after).not.toBe(before);
    expect(after).toEqual([{ ...wanted, ...change, lastTransitionTime }]);
    expect(before).toEqual([{ ...wanted, lastTransitionTime: '2026-01-01T10:00:00Z' }]);
  });

  it('leaves the other conditions and their places alone', () => {
    const after = setCondition([stalled, ...before], { ...wanted, status: 'Unknown' }, now);
    expect(after.map(({ type, status }) => [type, status])).toEqual([
      ['Stalled', 'True'],
      ['Ready', 'Unknown'],
    ]);
    expect(after[0]).toBe(stalled);
  });

  it('compares the message as it is written, cut', () => {
    const long = { ...wanted, message: 'x'.repeat(5000) };
    const first = setCondition([], long, then);
    expect(first[0]?.message).toHaveLength(1022);
    expect(setCondition(first, long, now)).toBe(first);
  });
});

describe('removing a condition', () => {
  it('takes out that type', () => {
    expect(removeCondition([stalled, ...before], 'Stalled')).toEqual(before);
  });

  it('returns the same list if it is not there', () => {
    expect(removeCondition(before, 'Stalled')).toBe(before);
  });
});

describe('a message', () => {
  it.each([
    ['as long as may be stays', 'a'.repeat(1024), 'a'.repeat(1024)],
    ['one byte longer is cut', 'a'.repeat(1025), `${'a'.repeat(1021)}…`],
    ['is cut between characters of two bytes', 'ü'.repeat(513), `${'ü'.repeat(510)}…`],
    ['is cut between characters of four bytes', '😀'.repeat(257), `${'😀'.repeat(255)}…`],
    ['that is empty stays empty', '', ''],
  ])('%s', (_, text, expected) => {
    expect(boundedMessage(text)).toBe(expected);
    expect(Buffer.byteLength(boundedMessage(text))).toBeLessThanOrEqual(1024);
  });
});
