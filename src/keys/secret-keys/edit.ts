import { StatusError } from '../../aggregation/errors.ts';
import type { ObjectAnswer, ResourceRequest } from '../../aggregation/resource.ts';
import { fit } from '../../resolve/value.ts';
import { INVALID, keyRecord, NAME_INVALID, type Deed } from './audit.ts';
import { readBody, type Draft } from './body.ts';
import { keyObject } from './columns.ts';
import type { SecretKeyDependencies } from './deps.ts';
import { notFound } from './errors.ts';
import { decodeName, type KeyRef } from './name.ts';
import { usedBy, usersOfKey } from './used-by.ts';
import { untilSeen } from './seen.ts';
import type { StoreWriter } from './store-writer.ts';
import { writable } from './writable.ts';
import type { Edit } from './write.ts';

export interface EditDependencies extends SecretKeyDependencies {
  readonly writer: Pick<StoreWriter, 'write'>;
}

/** Rejects with StatusError: Invalid, Forbidden, AlreadyExists, Conflict, ServiceUnavailable, Timeout. */
export async function createKey(request: ResourceRequest, deps: EditDependencies): Promise<ObjectAnswer> {
  return put('create', request, undefined, deps);
}

/** As createKey, but NotFound instead of AlreadyExists. */
export async function updateKey(request: ResourceRequest, deps: EditDependencies): Promise<ObjectAnswer> {
  const { name = '' } = request;
  if (!decodeName(name)) throw await noName('write-key', name, request, deps);
  return put('update', request, name, deps);
}

async function put(
  verb: 'create' | 'update',
  request: ResourceRequest,
  name: string | undefined,
  deps: EditDependencies,
): Promise<ObjectAnswer> {
  const { key, source, value, warnings } = await draft(request, name, deps);
  const told = [...warnings, ...unfit(value)];
  return { object: await perform(request, { verb, key, source, value }, deps), warnings: told };
}

/** The body, if it is one; that it is none stands in the audit, without anything that it says. */
async function draft(
  { caller, namespace = '', body, signal }: ResourceRequest,
  name: string | undefined,
  { audit }: EditDependencies,
): Promise<Draft> {
  try {
    return readBody(body, name);
  } catch (error) {
    if (error instanceof StatusError) {
      const deed = { action: 'write-key', caller, namespace, ref: undefined } as const;
      const fields = error.details.causes?.map(({ field }) => field).join(', ');
      await audit.note(keyRecord(deed, 'refused', INVALID, fields), signal);
    }
    throw error;
  }
}

async function noName(
  action: Deed['action'],
  name: string,
  { caller, namespace = '', signal }: ResourceRequest,
  { audit }: EditDependencies,
): Promise<StatusError> {
  await audit.note(keyRecord({ action, caller, namespace, ref: undefined }, 'refused', NAME_INVALID), signal);
  return notFound(name);
}

/** The answer warns of the references and storages that still name the key. Rejects as updateKey does. */
export async function deleteKey(request: ResourceRequest, deps: EditDependencies): Promise<ObjectAnswer> {
  const { name = '', caller, body, signal } = request;
  const ref = decodeName(name);
  if (!ref) throw await noName('delete-key', name, request, deps);
  const { uid, resourceVersion } = preconditions(body);
  if (uid || resourceVersion) {
    const message = 'keys have neither uid nor resourceVersion that a deletion could be bound to';
    throw new StatusError('Conflict', message, { name });
  }
  const object = await perform(request, { verb: 'delete', ...ref }, deps);
  const what = `key ${ref.key} of ${ref.source.type}/${ref.source.id}`;
  const warnings = await usedBy(what, usersOfKey(ref, deps.world), caller, signal, deps);
  return { object, warnings };
}

/**
 * Rights, then the audit's intent, then the write, then its outcome. Once it has been written down, the write no longer
 * depends on the client: how it ended is known, whether somebody waits for it or not.
 */
async function perform(
  { caller, namespace = '', dryRun, signal }: ResourceRequest,
  edit: Edit,
  deps: EditDependencies,
): Promise<ObjectAnswer['object']> {
  const { audit, guard, writer, world, clock } = deps;
  const ref: KeyRef = { key: edit.key, source: edit.source };
  const action = edit.verb === 'delete' ? 'delete-key' : 'write-key';
  const deed: Deed = { action, caller, namespace, ref };
  const may = await writable({ caller, namespace, ref }, signal, deps);
  if ('refused' in may) {
    const { reason, error } = may.refused;
    await audit.note(keyRecord(deed, 'refused', reason, error.message), signal);
    throw error;
  }
  const problem = guard.problem();
  if (problem) throw new StatusError('ServiceUnavailable', `nothing is written: ${problem.message}`);

  const message = dryRun ? 'dry run: nothing is written' : undefined;
  await audit.intend([keyRecord(deed, 'allowed', dryRun ? 'DryRun' : 'Intended', message)], signal);
  const { store } = may;
  try {
    const { metadata } = await writer.write(store, edit, { dryRun, signal });
    if (dryRun) return keyObject({ ...ref, namespace });
    await audit.conclude(keyRecord(deed, 'allowed', DONE[edit.verb]), signal);
    await untilSeen(`${store.namespace}/${store.name}`, metadata.resourceVersion, world.stores, clock);
  } catch (error) {
    const reason = error instanceof StatusError ? error.code : 'Failed';
    if (!dryRun) await audit.conclude(keyRecord(deed, 'failed', reason), signal);
    throw error;
  }
  return keyObject({ ...ref, namespace });
}

const DONE = { create: 'Created', update: 'Updated', delete: 'Deleted' } as const;

/** It can be kept, but what it is for most of the time it cannot do. */
function unfit(value: string): readonly string[] {
  const fitted = fit('A', value);
  return fitted.ok ? [] : [`it cannot be an environment variable: ${fitted.problem.message}`];
}

function preconditions(body: unknown): { readonly uid?: unknown; readonly resourceVersion?: unknown } {
  const { preconditions: given } = (body ?? {}) as { preconditions?: unknown };
  return typeof given === 'object' && given !== null ? given : {};
}
