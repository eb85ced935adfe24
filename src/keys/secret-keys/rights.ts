import { GROUP } from '../../api/names.ts';
import type { Attributes } from '../may.ts';

export function useOf(integration: string, systemNamespace: string): Attributes {
  return {
    verb: 'use',
    group: GROUP,
    resource: 'vaultintegrations',
    namespace: systemNamespace,
    name: integration,
  };
}

export function writeTo(domain: string): Attributes {
  return { verb: 'write', group: GROUP, resource: 'domains', name: domain };
}

/** Without a namespace: in all of them. */
export function listReferences(namespace?: string): Attributes {
  return { verb: 'list', group: GROUP, resource: 'secretreferences', namespace };
}
