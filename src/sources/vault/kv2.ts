import { at, isMap, numberAt, plain, type Json } from '../../json/json.ts';
import type { FieldValue } from '../source.ts';
import { Asking, isRefusal } from './asking.ts';
import type { Connection, Session } from './connection.ts';
import { askMount } from './discovery.ts';
import { VaultError } from './errors.ts';
import { notKVv2, readFault, versionNotFound, type Answer } from './faults.ts';
import type { Attempt } from './requests.ts';
import type { VaultTarget } from './target.ts';

/** One version of a KV v2 secret. */
export interface KvSecret {
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly version?: number;
  /** The login method that worked. */
  readonly authMethod: string;
  /** Those before it that did not, and why. */
  readonly passed: readonly string[];
}

/** Reads the secret at the target's path. Throws VaultError. */
export async function readSecret(
  connection: Connection,
  target: VaultTarget,
  attempt: Attempt,
): Promise<KvSecret> {
  const asking = new Asking(connection, target, attempt);
  const { answer, session } = await readAs(asking, await connection.session(target.methods, attempt));
  const fault = readFault(answer, target);
  if (fault?.reason === 'PathNotFound') await explainMissing(asking, answer);
  if (fault?.reason === 'NotKVv2') await checkMount(asking, session, answer);
  if (fault) throw new VaultError(fault);
  return {
    fields: fieldsOf(at(answer.body, 'data', 'data')),
    ...versionOf(answer.body),
    authMethod: session.method.kind,
    passed: session.passed,
  };
}

/** Reads the path with this session, or if its token is dead or outdated, once more with another. */
async function readAs(asking: Asking, session: Session): Promise<{ answer: Answer; session: Session }> {
  const { connection, target, attempt } = asking;
  const answer = await asking.path(session, target.version);
  if (!isRefusal(answer)) return { answer, session };
  const next = (await connection.isDead(session, attempt))
    ? await connection.session(target.methods, attempt)
    : await connection.fresher(session, target.methods, attempt);
  if (!next) return { answer, session };
  return { answer: await asking.path(next, target.version), session: next };
}

/** Vault says the same of a path, of a version and in KV version 1 of anything that is not there. */
async function explainMissing(asking: Asking, answer: Answer): Promise<void> {
  const { connection, target, attempt } = asking;
  const { version } = target;
  // Not the session of the read: its token may have been good for just that.
  const session = await connection.session(target.methods, attempt);
  if (version !== undefined) {
    const latest = await asking.path(session, undefined);
    const isThere = latest.status === 200 || isMap(at(latest.body, 'data', 'metadata'));
    if (isThere) throw new VaultError(versionNotFound(version, answer.status));
  }
  await checkMount(asking, session, answer);
}

async function checkMount(asking: Asking, session: Session, { status }: Answer): Promise<void> {
  const { target } = asking;
  const found = await askMount(target, (path) => asking.get('mount', session.client(target.namespace), path));
  if (!found || found.isKVv2) return;
  throw new VaultError(notKVv2(found.mount, status, found));
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
