import type { ApiResource, ResourceRequest } from '../../aggregation/resource.ts';
import { secretKey } from '../../api/secret-key.ts';
import { LiveReads } from '../../controllers/live.ts';
import { COLUMNS } from './columns.ts';
import type { SecretKeyDependencies } from './deps.ts';
import { createKey, deleteKey, updateKey } from './edit.ts';
import { asStatus } from './errors.ts';
import { getKey } from './get.ts';
import { listKeys } from './list.ts';
import { SELECTABLE } from './selection.ts';
import { StoreWriter } from './store-writer.ts';
import { NameReads } from './vault-names.ts';

export type { SecretKeyDependencies } from './deps.ts';

/** SecretKeys: what references of a namespace can name, and the keys of its own domain to write. */
export function secretKeysResource(deps: SecretKeyDependencies): ApiResource {
  const reads = { live: new LiveReads(deps.client, deps.clock), names: new NameReads(deps) };
  const writer = new StoreWriter({ ...deps, random: deps.random ?? Math.random });
  const editing = { ...deps, writer };
  const { plural, singular, kind, shortNames, schema } = secretKey;
  return {
    ...{ plural, singular, kind, shortNames, schema },
    // security: not delete. The namespace controller would delete every key of the domain with the namespace.
    advertised: ['get', 'list', 'create', 'update'],
    columns: COLUMNS,
    selectable: SELECTABLE,
    list: told(async (request) => listKeys(request, reads, deps)),
    get: told(async (request) => getKey(request, reads, deps)),
    create: told(async (request) => createKey(request, editing)),
    update: told(async (request) => updateKey(request, editing)),
    delete: told(async (request) => deleteKey(request, editing)),
  };
}

/** Failures of the API server and of the audit as clients may see them. */
function told<T>(
  handler: (request: ResourceRequest) => Promise<T>,
): (request: ResourceRequest) => Promise<T> {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      throw asStatus(error);
    }
  };
}
