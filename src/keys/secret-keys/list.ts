import type { ListAnswer, ResourceRequest } from '../../aggregation/resource.ts';
import { DOMAIN_MISSING } from '../../resolve/permission.ts';
import { auditList } from './audit.ts';
import { keyObject } from './columns.ts';
import type { SecretKeyDependencies } from './deps.ts';
import type { Reads } from './reads.ts';
import { Listing } from './listing.ts';
import { PageBuilder } from './page-builder.ts';
import { decodeToken } from './page.ts';
import { selection } from './selection.ts';
import { assertCurrent, readNamespace } from './sources.ts';
import { bounded } from './warnings.ts';

interface Scope {
  readonly namespace: string;
  readonly domain: string;
}

/**
 * The keys that references can name, in pages; an integration is read only if the page needs it. Rejects with
 * StatusError BadRequest for a selector or token that is none, RequestEntityTooLarge, ServiceUnavailable.
 */
export async function listKeys(
  request: ResourceRequest,
  reads: Reads,
  deps: SecretKeyDependencies,
): Promise<ListAnswer> {
  const { namespace, caller, limit, continueToken, signal } = request;
  const selected = selection(request.fieldSelector);
  const position = continueToken ? decodeToken(continueToken, namespace) : undefined;
  assertCurrent(deps.world);
  const page = new PageBuilder(limit, position, selected);
  const listing = new Listing({ caller, signal, page, reads, isByName: selected.isByName }, deps);
  const found = namespace === undefined ? everywhere(deps) : await here(namespace, reads, signal, deps);
  for (const one of found) {
    if (page.hasMore) break;
    const isWanted = selected.namespace(one.namespace) && one.namespace >= (position?.namespace ?? '');
    if (isWanted) await listing.add(one.namespace, one.domain);
  }
  const { warnings } = listing;
  if (namespace !== undefined && found.length === 0) warnings.add(DOMAIN_MISSING.message);
  await auditList({ caller, namespace, keys: page.items.length, unread: listing.unread }, signal, deps);
  return {
    items: page.items.map(keyObject),
    continueToken: page.token(),
    warnings: bounded(warnings),
  };
}

/** One namespace is read anew; empty without a domain. */
async function here(
  name: string,
  { live }: Reads,
  signal: AbortSignal,
  deps: SecretKeyDependencies,
): Promise<readonly Scope[]> {
  const domain = (await readNamespace(name, live, signal, deps))?.domain;
  return domain === undefined ? [] : [{ namespace: name, domain }];
}

/** For all of them the watch has to do. */
function everywhere({ world }: SecretKeyDependencies): readonly Scope[] {
  return world.namespaces
    .list()
    .flatMap(({ metadata: { name }, domain }) => (domain === undefined ? [] : [{ namespace: name, domain }]))
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
}
