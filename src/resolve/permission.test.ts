import { describe, expect, it } from 'vitest';
import { refusal } from './permission.ts';

const integrations: Record<string, { domains: string[] }> = {
  shared: { domains: ['*'] },
  finance: { domains: ['finance', 'audit'] },
};
const lookup = (id: string) => (Object.hasOwn(integrations, id) ? integrations[id] : undefined);
const kubernetes = (id: string) => ({ type: 'KUBERNETES', id }) as const;
const vault = (id: string) => ({ type: 'VAULT', id }) as const;

describe('who may use which source', () => {
  it.each([
    ["a domain's own store", 'finance', kubernetes('finance'), undefined],
    ['the global store', 'finance', kubernetes('global'), undefined],
    ["another domain's store", 'finance', kubernetes('marketing'), 'DomainForbidden'],
    ['a store whose name only begins like the domain', 'fin', kubernetes('finance'), 'DomainForbidden'],
    ['an integration shared with the domain', 'audit', vault('finance'), undefined],
    ['an integration shared with everyone', 'marketing', vault('shared'), undefined],
    ['an integration of others', 'marketing', vault('finance'), 'DomainForbidden'],
    ['an integration that does not exist', 'finance', vault('nope'), 'IntegrationNotFound'],
    ['an integration called __proto__', 'finance', vault('__proto__'), 'IntegrationNotFound'],
    ['the global store without a domain', undefined, kubernetes('global'), 'DomainMissing'],
    ['an integration for everyone without a domain', undefined, vault('shared'), 'DomainMissing'],
  ] as const)('%s, asked by %s', (_, domain, source, reason) => {
    expect(refusal(domain, source, lookup)?.reason).toBe(reason);
  });

  it('tells a stranger nothing about the integration but its name', () => {
    expect(refusal('marketing', vault('finance'), lookup)?.message).toBe(
      'VaultIntegration finance is not shared with domain marketing (its spec.domains)',
    );
  });

  it('says which store would be open', () => {
    expect(refusal('finance', kubernetes('marketing'), lookup)?.message).toContain('use finance or global');
  });
});
