import { describe, expect, it } from 'vitest';
import { customResourceDefinition } from '../../api/crd.ts';
import { resourceBundle } from '../../api/resource-bundle.ts';
import { secretReference } from '../../api/secret-reference.ts';
import { vaultIntegration } from '../../api/vault-integration.ts';
import { holds } from './cel.ts';

/** All rules in a CRD, wherever they stand. */
function rulesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) =>
    field === 'x-kubernetes-validations'
      ? (inner as { rule: string }[]).map(({ rule }) => rule)
      : rulesIn(inner),
  );
}

const kinds = [vaultIntegration, secretReference, resourceBundle];
const rules = [...new Set(kinds.flatMap((kind) => rulesIn(customResourceDefinition(kind))))];
/** Has everything that a rule could ask for, and is a text to those who take it for one. */
const anything = (rule: string): unknown => {
  const source = { type: 'VAULT' };
  const object = { kind: 'User', name: 'x', source, metadata: { name: 'x' }, stripPrefix: true };
  return /self\.(matches|contains|split)|self (==|in)|isURL/.test(rule) ? 'https://x/data/y' : object;
};

describe('the rules of the CRDs', () => {
  it('are found', () => {
    expect(rules.length).toBeGreaterThan(20);
  });

  it.each(rules)('can be evaluated here: %s', (rule) => {
    expect(typeof holds(rule, anything(rule))).toBe(rule.includes('oldSelf') ? 'undefined' : 'boolean');
  });
});

describe('a rule', () => {
  it.each([
    [`!self.matches('[[:cntrl:]]')`, 'a\u0007b', false],
    [`!self.matches('[[:cntrl:]]')`, 'cntrl:', true],
    [`!self.matches('//|[?#%[:space:]]|(^|/)[.][.]?(/|$)')`, 'a b', false],
    [`!self.matches('//|[?#%[:space:]]|(^|/)[.][.]?(/|$)')`, 'space', true],
    [`isURL(self) && url(self).getScheme() in ['https']`, 'https://x', true],
    [`isURL(self) && url(self).getScheme() in ['https']`, 'http://x', false],
    [`isURL(self) && url(self).getHost() == 'x:1'`, 'https://x:1/', true],
    [`isURL(self)`, 'x', false],
    [`has(self.a) == has(oldSelf.a)`, {}, undefined],
  ])('%s of %j is %j', (rule, self, result) => {
    expect(holds(rule, self)).toBe(result);
  });
});
