import { describe, expect, it } from 'vitest';
import { selection, SELECTABLE } from './selection.ts';

const own = { type: 'KUBERNETES', id: 'marketing' } as const;
const vault = { type: 'VAULT', id: 'v' } as const;
const item = { namespace: 'team-a', source: vault, key: 'a/b' };
const is = (field: string, value: string) => ({ field, value, equals: true });
const not = (field: string, value: string) => ({ field, value, equals: false });

describe('a field selector', () => {
  it.each([
    ['nothing', [], true, true, true],
    ['source.type=VAULT', [is('source.type', 'VAULT')], false, true, true],
    ['source.type!=VAULT', [not('source.type', 'VAULT')], true, false, true],
    ['spec.secret.source.type=VAULT', [is('spec.secret.source.type', 'VAULT')], false, true, true],
    ['source.id=v', [is('source.id', 'v')], false, true, true],
    ['key=a/b', [is('key', 'a/b')], true, true, true],
    ['key!=a/b', [not('key', 'a/b')], true, true, false],
    ['spec.secret.key=x', [is('spec.secret.key', 'x')], true, true, false],
    ['metadata.name=vault:v:a%2Fb', [is('metadata.name', 'vault:v:a%2Fb')], false, true, true],
    ['metadata.name=vault:v:a', [is('metadata.name', 'vault:v:a')], false, true, false],
    ['metadata.name!=vault:v:a', [not('metadata.name', 'vault:v:a')], true, true, true],
    ['both must hold', [is('source.id', 'v'), is('source.type', 'KUBERNETES')], false, false, true],
    ['twice the same field', [is('key', 'a/b'), is('key', 'x')], true, true, false],
  ])('%s', (_, requirements, ofOwn, ofVault, ofKey) => {
    const selected = selection(requirements);
    expect(selected.source(own)).toBe(ofOwn);
    expect(selected.source(vault)).toBe(ofVault);
    expect(selected.key(item)).toBe(ofKey);
    expect(selected.namespace('team-a')).toBe(true);
  });

  it('may name the namespace', () => {
    expect(selection([is('metadata.namespace', 'team-b')]).namespace('team-a')).toBe(false);
    expect(selection([not('metadata.namespace', 'team-b')]).namespace('team-a')).toBe(true);
  });

  it('knows when one key is asked for by its name', () => {
    expect(selection([is('metadata.name', 'vault:v:a')]).isByName).toBe(true);
    expect(selection([not('metadata.name', 'vault:v:a')]).isByName).toBe(false);
  });

  it.each(['spec.value', 'status', 'metadata.uid', '__proto__', 'constructor'])(
    'is refused if it names %s',
    (field) => {
      expect(() => selection([is(field, 'hunter2')])).toThrow(
        expect.objectContaining({ code: 'BadRequest', message: expect.not.stringContaining('hunter2') }),
      );
    },
  );

  it('takes every field that the resource says it does', () => {
    for (const field of SELECTABLE) expect(() => selection([is(field, 'x')])).not.toThrow();
  });
});
