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

/** A kind whose objects name sources. */
export interface Naming {
  readonly kind: 'SecretReference' | 'StorageConfig';
  readonly plural: 'secretreferences' | 'storageconfigs';
}

/** Without a namespace: in all of them. */
export function listOf({ plural }: Naming, namespace?: string): Attributes {
  return { verb: 'list', group: GROUP, resource: plural, namespace };
}
