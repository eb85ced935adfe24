import { describe, expect, it } from 'vitest';
import { LIMITS } from '../api/names.ts';
import type { SecretObject } from '../api/secret-reference.ts';
import { shown, summarize, type Problem } from './problem.ts';

const secret = (id: string, key = 'k'): SecretObject => ({ key, source: { type: 'VAULT', id } });
const problem = (entry: string, rest: Partial<Problem> = {}): Problem => ({
  reason: 'KeyNotFound',
  message: 'no such key',
  entry,
  secret: secret('vault-prod'),
  ...rest,
});

describe('summarize', () => {
  it('tells one problem in full: entry, source, key and why', () => {
    expect(summarize([problem('DB_PASSWORD')])).toEqual({
      reason: 'KeyNotFound',
      message: 'DB_PASSWORD from VAULT/vault-prod key k: no such key',
      terminal: false,
    });
  });

  it('tells path, version and property of an entry', () => {
    const from = { ...secret('vault-prod'), path: '/db/main/', version: 3, property: 'a.b' };
    expect(summarize([problem('A', { secret: from })]).message).toBe(
      'A from VAULT/vault-prod/db/main@3 key k property a.b: no such key',
    );
  });

  it('tells an import with its place', () => {
    const about = { entry: 'envFrom[1] of warehouse', place: 'VAULT/vault-prod/db' } as const;
    const { message } = summarize([{ reason: 'NameConflict', message: 'why', ...about }, problem('B')]);
    expect(message).toBe('envFrom[1] of warehouse from VAULT/vault-prod/db: why; also B (KeyNotFound)');
  });

  it('tells a problem of the whole pod without an entry', () => {
    expect(summarize([{ reason: 'DomainMissing', message: 'no label' }]).message).toBe('no label');
  });

  it('tells the first of several in full and names the others with their reasons', () => {
    const { reason, message } = summarize([problem('A'), problem('B', { reason: 'Sealed' })]);
    expect(reason).toBe('KeyNotFound');
    expect(message).toBe('A from VAULT/vault-prod key k: no such key; also B (Sealed)');
  });

  it('counts the others once there are many', () => {
    const many = Array.from({ length: 12 }, (_, i) => problem(`V${i}`));
    expect(summarize(many).message).toMatch(/V5 \(KeyNotFound\) and 6 more$/);
  });

  it('cuts a long message at a character, within the limit', () => {
    const { message } = summarize([problem('A', { message: '🔑'.repeat(600) })]);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.messageBytes);
    expect(message.isWellFormed()).toBe(true);
    expect(message.endsWith('🔑…')).toBe(true);
  });

  it('asks again as soon as the first source may have changed', () => {
    expect(
      summarize([problem('A', { retryAfterMs: 9000 }), problem('B', { retryAfterMs: 500 })]).retryAfterMs,
    ).toBe(500);
  });

  it.each([
    ['is terminal if every problem is', [problem('A', { reason: 'NameConflict' })], true],
    [
      'is not terminal if the source can cure it',
      [problem('A', { reason: 'NameConflict', mayPass: true })],
      false,
    ],
    [
      'is not terminal while waiting can still change one',
      [problem('A', { reason: 'NameConflict' }), problem('B')],
      false,
    ],
  ])('%s', (_, problems, terminal) => {
    expect(summarize(problems).terminal).toBe(terminal);
  });

  it('refuses to sum up nothing', () => {
    expect(() => summarize([])).toThrow(RangeError);
  });
});

describe('a name that a source holds', () => {
  it.each([
    ['as it is', 'db/main.password', 'db/main.password'],
    ['without what does not print', 'a\n\u0000\u202E\u2028b', 'a????b'],
    ['cut, between characters', '🔑'.repeat(81), `${'🔑'.repeat(80)}…`],
    ['as text that can be written', 'a\uD800', 'a\uFFFD'],
  ])('is shown %s', (_, name, expected) => {
    expect(shown(name)).toBe(expected);
  });
});
