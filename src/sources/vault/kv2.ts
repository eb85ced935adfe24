import type { FieldValue } from '../source.ts';
import type { Connection } from './connection.ts';
import { VaultError } from './errors.ts';
import { commonFault, notKVv2, readFault, type Answer } from './faults.ts';
import { at, isMap, numberAt, plain, type Json } from '../../json/json.ts';
import { encodePath } from './path.ts';
import type { Attempt, Operation } from './requests.ts';
import type { VaultTarget } from './target.ts';

/** One version of a KV v2 secret. */
export interface KvSecret {
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly version?: number;
  /** The login method that worked. */
  readonly authMethod: string;
}

/** Reads the latest version of the secret at the target's path. Throws VaultError. */
export async function readSecret(
  connection: Connection,
  target: VaultTarget,
  attempt: Attempt,
): Promise<KvSecret> {
  let session = await connection.session(target.methods, attempt);
  let answer = await read();
  if (isRefusal(answer) && (await connection.isDead(session, attempt))) {
    session = await connection.session(target.methods, attempt);
    answer = await read();
  }
  const fault = readFault(answer, target);
  if (fault?.reason === 'PathNotFound') await checkMount();
  if (fault) throw new VaultError(fault);
  return {
    fields: fieldsOf(at(answer.body, 'data', 'data')),
    ...versionOf(answer.body),
    authMethod: session.method.kind,
  };

  function read(): Promise<Answer> {
    return get('read', target.apiPath);
  }

  async function get(operation: Operation, path: string): Promise<Answer> {
    try {
      return await connection.ask(operation, attempt, () => session.client.read(path, attempt.signal));
    } catch (error) {
      throw error instanceof VaultError ? withoutRequest(error) : error;
    }
  }

  /** Version 1 of KV answers a missing secret like version 2; only what the CLI asks tells them apart. */
  async function checkMount(): Promise<void> {
    const path = `sys/internal/ui/mounts/${encodePath(target.mount)}`;
    const mount = await get('mount', path);
    const type = at(mount.body, 'data', 'type');
    const isKVv2 = type === 'kv' && at(mount.body, 'data', 'options', 'version') === '2';
    if (mount.status === 200 && typeof type === 'string' && !isKVv2) {
      throw new VaultError(notKVv2(target.mount, answer.status));
    }
  }
}

/** Others on the same connection get the same fault: they need not learn this path, and each names its own. */
function withoutRequest({ fault, cause }: VaultError): VaultError {
  return new VaultError({ ...fault, request: undefined }, cause as string | undefined);
}

/** A 403 of Vault itself, not of something in front of it. */
function isRefusal(answer: Answer): boolean {
  return answer.status === 403 && commonFault(answer) === undefined;
}

function fieldsOf(data: Json | undefined): ReadonlyMap<string, FieldValue> {
  if (!isMap(data)) return new Map();
  return new Map([...data].map(([key, value]) => [key, plain(value)]));
}

function versionOf(body: Json | undefined): Pick<KvSecret, 'version'> {
  const version = numberAt(body, 'data', 'metadata', 'version');
  // It goes into statuses as an int64.
  return version === undefined || !Number.isSafeInteger(version) ? {} : { version };
}
