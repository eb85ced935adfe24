import { describe, expect, test } from 'vitest';
import {
  hasPlaceholder,
  keyOfVariable,
  placeholderText,
  restoreReferences,
  rewritePlaceholders,
} from './placeholders.ts';
import type { EnvVar } from './pod-shape.ts';
import { DELIVERY, fromSecret, kubeletEnvironment } from './test-support.ts';

const ours = (name: string, key: string) => fromSecret(name, DELIVERY, `FAIRLEAD_SECRET_${key}`);
const feeder = (key: string) => ours(`FAIRLEAD_SECRET_${key}`, key);

function rewrite(...env: EnvVar[]) {
  const result = rewritePlaceholders({ name: 'main', env }, DELIVERY);
  return result.ok ? result.container.env : result.message;
}

describe('a value that is exactly one placeholder', () => {
  test.each(['db_password', 'a.b-c', '__proto__', 'constructor', '..', '-', 'X'.repeat(237)])(
    'becomes a secretKeyRef for the key %s',
    (key) => {
      expect(rewrite({ name: 'A', value: `\${secrets.${key}}` })).toEqual([ours('A', key)]);
    },
  );

  test('keeps what else the entry has, in its place', () => {
    const env = [{ name: 'Z', value: 'z' }, { name: 'A', value: '${secrets.k}', unknown: 1 }, { name: 'B' }];
    expect(rewrite(...env)).toEqual([
      { name: 'Z', value: 'z' },
      { ...ours('A', 'k'), unknown: 1 },
      { name: 'B' },
    ]);
  });
});

describe('a placeholder inside a longer value', () => {
  test('is fed by an entry placed before it', () => {
    expect(rewrite({ name: 'Z', value: 'z' }, { name: 'A', value: 'x:${secrets.k}@h' })).toEqual([
      { name: 'Z', value: 'z' },
      feeder('k'),
      { name: 'A', value: 'x:$(FAIRLEAD_SECRET_k)@h' },
    ]);
  });

  test('has one feeder a container, before the first use', () => {
    expect(
      rewrite(
        { name: 'A', value: '${secrets.k}/${secrets.j}/${secrets.k}' },
        { name: 'B', value: ' ${secrets.j}' },
      ),
    ).toEqual([
      feeder('k'),
      feeder('j'),
      { name: 'A', value: '$(FAIRLEAD_SECRET_k)/$(FAIRLEAD_SECRET_j)/$(FAIRLEAD_SECRET_k)' },
      { name: 'B', value: ' $(FAIRLEAD_SECRET_j)' },
    ]);
  });

  test('may stand beside the same placeholder as a whole value', () => {
    expect(rewrite({ name: 'A', value: '${secrets.k}' }, { name: 'B', value: '${secrets.k} ' })).toEqual([
      ours('A', 'k'),
      feeder('k'),
      { name: 'B', value: '$(FAIRLEAD_SECRET_k) ' },
    ]);
  });

  test.each([
    ['in front of a reference of theirs', '$(A)${secrets.k}', '$(A)$(FAIRLEAD_SECRET_k)'],
    ['after an escaped $(', '$$(${secrets.k})', '$$($(FAIRLEAD_SECRET_k))'],
    ['inside another brace', '${secrets.${secrets.k}}', '${secrets.$(FAIRLEAD_SECRET_k)}'],
    ['two side by side', '${secrets.k}${secrets.k}', '$(FAIRLEAD_SECRET_k)$(FAIRLEAD_SECRET_k)'],
    ['inside $(, which is escaped', '$(cat ${secrets.k})', '$$(cat $(FAIRLEAD_SECRET_k))'],
    ['after a $( that is never closed', '$(cat ${secrets.k}', '$$(cat $(FAIRLEAD_SECRET_k)'],
    ['in nested $(', '$(a $(b ${secrets.k}))', '$$(a $$(b $(FAIRLEAD_SECRET_k)))'],
    ['after $( that is closed', '$(a $(b) ${secrets.k})', '$(a $(b) $(FAIRLEAD_SECRET_k))'],
    ['over several lines', 'a\n${secrets.k}\n', 'a\n$(FAIRLEAD_SECRET_k)\n'],
    ['a line of its own', '${secrets.k}\n', '$(FAIRLEAD_SECRET_k)\n'],
  ])('is rewritten %s', (_, value, expected) => {
    const env = rewrite({ name: 'A', value });
    expect(env).toEqual([feeder('k'), { name: 'A', value: expected }]);
    const filled = kubeletEnvironment({ name: 'main', env: env as EnvVar[] }, () => 'VALUE').get('A');
    expect(filled).toContain('VALUE');
    expect(filled).not.toContain('FAIRLEAD');
  });

  test('$( in front of it comes out of the kubelet as it went in', () => {
    const env = rewrite({ name: 'A', value: 'sh -c "$(cat ${secrets.k})"' }) as EnvVar[];
    expect(kubeletEnvironment({ name: 'main', env }, () => '/f').get('A')).toBe('sh -c "$(cat /f)"');
  });
});

describe('left alone', () => {
  test.each([
    ['an escaped placeholder', '$${secrets.x}'],
    ['an escaped placeholder after text', 'a$${secrets.x}b'],
    ['an empty key', '${secrets.}'],
    ['another scope', '${other.x}'],
    ['another case', '${Secrets.x}'],
    ['white space inside', '${secrets.x }'],
    ['a letter that no key has', '${secrets.ü}'],
    ['an open end', '${secrets.x'],
    ['parentheses', '$(secrets.x)'],
    ['no value at all', undefined],
  ])('%s', (_, value) => {
    const container = { name: 'main', env: [{ name: 'A', ...(value !== undefined && { value }) }] };
    expect(hasPlaceholder(container)).toBe(false);
    expect(rewritePlaceholders(container, DELIVERY)).toEqual({ ok: true, container });
  });

  test('a container without env, and an entry with valueFrom', () => {
    expect(hasPlaceholder({ name: 'main' })).toBe(false);
    expect(hasPlaceholder({ name: 'main', env: null })).toBe(false);
    const both = { name: 'A', value: '${secrets.k}', valueFrom: {} };
    expect(hasPlaceholder({ name: 'main', env: [both] })).toBe(false);
  });
});

describe('refused, with what to do', () => {
  test.each([
    ['a key that is too long, whole', '${secrets.' + 'k'.repeat(238) + '}', /longer than 237 characters/],
    ['a key that is too long, inside', 'x ${secrets.' + 'k'.repeat(238) + '}', /longer than 237 characters/],
    ['a reference to our own variable', '$(FAIRLEAD_SECRET_k)', /write \$\{secrets\.<key>\}/],
    ['one behind an escaped dollar', 'x$$$(FAIRLEAD_SECRET_k)', /write \$\{secrets\.<key>\}/],
  ])('%s', (_, value, message) => {
    expect(rewrite({ name: 'A', value: '${secrets.k}' }, { name: 'B', value })).toMatch(message);
  });

  test('a variable of a reserved name beside a placeholder', () => {
    expect(rewrite({ name: 'A', value: '${secrets.k}' }, { name: 'FAIRLEAD_SECRET_k', value: 'x' })).toMatch(
      /starts with FAIRLEAD_SECRET_, which is reserved/,
    );
  });

  test('but an escaped reference is text, and without placeholders nobody cares', () => {
    for (const escaped of ['$$', '$$$$'])
      expect(rewrite({ name: 'A', value: `${escaped}(FAIRLEAD_SECRET_k) \${secrets.k}` })).toBeInstanceOf(
        Array,
      );
    const env = [{ name: 'FAIRLEAD_SECRET_k', value: '$(FAIRLEAD_SECRET_j)' }];
    expect(rewrite(...env)).toEqual(env);
  });
});

describe('the way back', () => {
  test.each([
    ['a key that was fed', 'x$(FAIRLEAD_SECRET_k)', 'x${secrets.k}'],
    ['a key that was not fed', 'x$(FAIRLEAD_SECRET_j)', 'x$(FAIRLEAD_SECRET_j)'],
    ['an escaped reference', '$$(FAIRLEAD_SECRET_k)', '$$(FAIRLEAD_SECRET_k)'],
    ['the key __proto__', '$(FAIRLEAD_SECRET___proto__)', '${secrets.__proto__}'],
  ])('restoreReferences: %s', (_, value, expected) => {
    expect(restoreReferences(value, new Set(['k', '__proto__']))).toBe(expected);
  });

  test.each([
    ['FAIRLEAD_SECRET_k', 'k'],
    ['FAIRLEAD_SECRET___proto__', '__proto__'],
    ['FAIRLEAD_SECRET_', undefined],
    ['FAIRLEAD_SECRET_a b', undefined],
    ['FAIRLEAD_SECRET_' + 'k'.repeat(238), undefined],
    ['DB_PASSWORD', undefined],
    ['', undefined],
  ])('keyOfVariable(%s)', (variable, key) => expect(keyOfVariable(variable)).toBe(key));

  test('placeholderText writes what the user wrote', () =>
    expect(placeholderText('a.b')).toBe('${secrets.a.b}'));
});

test('a megabyte of placeholders and dollars stays far below the deadline', () => {
  for (const value of [
    '${secrets.k}x'.repeat(80_000),
    '$('.repeat(500_000) + '${secrets.k}',
    '$'.repeat(1e6),
  ]) {
    const start = performance.now();
    rewrite({ name: 'A', value }, { name: 'B', value: '${secrets.k}' });
    expect(performance.now() - start).toBeLessThan(4000);
  }
});
