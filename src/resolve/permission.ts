import { EVERY_DOMAIN, GLOBAL } from '../api/names.ts';
import type { Source } from './place.ts';
import type { Problem } from './problem.ts';

/** What the resolver knows of an integration: enough to say who may use it. */
export interface IntegrationGrant {
  readonly domains: readonly string[];
}

type Refusal = Pick<Problem, 'reason' | 'message'>;

/**
 * May a namespace of this domain use this source? Asked at every resolve, since labels and `spec.domains`
 * change after a reference was written. A refusal tells a stranger nothing about the integration.
 */
export function refusal(
  domain: string | undefined,
  source: Source,
  integration: (id: string) => IntegrationGrant | undefined,
): Refusal | undefined {
  if (domain === undefined) return DOMAIN_MISSING;
  // It stands in the namespace itself.
  if (source.type === 'STORAGE') return undefined;
  if (source.type === 'KUBERNETES') {
    if (source.id === GLOBAL || source.id === domain) return undefined;
    return {
      reason: 'DomainForbidden',
      message: `the store of domain ${source.id} is not open to domain ${domain}; use ${domain} or ${GLOBAL}`,
    };
  }
  const grant = integration(source.id);
  if (!grant) {
    return {
      reason: 'IntegrationNotFound',
      message: `there is no VaultIntegration ${source.id} in the system namespace`,
    };
  }
  if (grant.domains.includes(EVERY_DOMAIN) || grant.domains.includes(domain)) return undefined;
  return {
    reason: 'DomainForbidden',
    message: `VaultIntegration ${source.id} is not shared with domain ${domain} (its spec.domains)`,
  };
}

export const DOMAIN_MISSING: Refusal = {
  reason: 'DomainMissing',
  message: 'the namespace has no label fairlead.dev/domain, so it may use no source, not even global',
};
