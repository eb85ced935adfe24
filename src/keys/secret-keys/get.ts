import { StatusError } from '../../aggregation/errors.ts';
import type { ObjectAnswer, ResourceRequest } from '../../aggregation/resource.ts';
import type { Reason } from '../../api/reasons.ts';
import { refusal } from '../../resolve/permission.ts';
import { keyRecord, NAME_INVALID } from './audit.ts';
import { keyObject } from './columns.ts';
import type { SecretKeyDependencies } from './deps.ts';
import type { Reads } from './reads.ts';
import { notFound } from './errors.ts';
import { decodeName, type KeyRef } from './name.ts';
import { assertCurrent, liveStoreKeys, readNamespace, usableIntegration } from './sources.ts';

type Found =
  | { readonly kind: 'found' }
  | { readonly kind: 'missing' }
  /** security: told like a key that is not there. */
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'unread'; readonly reason: string; readonly message: string };

const PATIENCE_MS = 5_000;
/** There is nothing at the integration's path, so the key is not there either. */
const NOTHING_THERE: readonly string[] = ['PathNotFound', 'SourceDeleted', 'SourceDestroyed'];

/**
 * One key, with the rights that a list asks for. Reads no source but its own. Rejects with StatusError NotFound, also
 * for what the caller may not use; ServiceUnavailable if the source cannot be read.
 */
export async function getKey(
  { caller, namespace = '', name = '', signal }: ResourceRequest,
  { live, names }: Reads,
  deps: SecretKeyDependencies,
): Promise<ObjectAnswer> {
  const ref = decodeName(name);
  const deed = { action: 'list-keys', caller, namespace, ref } as const;
  if (!ref) {
    await deps.audit.note(keyRecord(deed, 'refused', NAME_INVALID), signal);
    throw notFound(name);
  }
  assertCurrent(deps.world);
  const found = await look(ref);
  switch (found.kind) {
    case 'found':
      await deps.audit.intend([keyRecord(deed, 'allowed', 'Listed')], signal);
      return { object: keyObject({ ...ref, namespace }) };
    case 'missing':
      await deps.audit.note(keyRecord(deed, 'failed', 'KeyNotFound'), signal);
      throw notFound(name);
    case 'refused':
      await deps.audit.note(keyRecord(deed, 'refused', found.reason), signal);
      throw notFound(name);
    case 'unread': {
      await deps.audit.note(keyRecord(deed, 'failed', found.reason, found.message), signal);
      const message = `VaultIntegration ${ref.source.id}: ${found.reason}: ${found.message}`;
      throw new StatusError('ServiceUnavailable', message);
    }
  }

  async function look({ key, source }: KeyRef): Promise<Found> {
    const domain = (await readNamespace(namespace, live, signal, deps))?.domain;
    if (domain === undefined) return { kind: 'refused', reason: 'DomainMissing' };
    if (source.type === 'KUBERNETES') {
      const refused = refusal(domain, source, () => undefined);
      if (refused) return { kind: 'refused', reason: refused.reason };
      return isIn(await liveStoreKeys(source.id, live, signal, deps), key);
    }
    const integration = await usableIntegration(source.id, domain, caller, signal, deps);
    if (!integration) return { kind: 'refused', reason: 'UseForbidden' };
    const deadline = deps.clock.now() + PATIENCE_MS;
    const read = await names.of(integration, { deadline, signal });
    if (read.kind === 'names') return isIn(read.names, key);
    return NOTHING_THERE.includes(read.reason) ? { kind: 'missing' } : read;
  }
}

function isIn(keys: readonly string[], key: string): Found {
  return { kind: keys.includes(key) ? 'found' : 'missing' };
}
