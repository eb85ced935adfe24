import { Asking } from './asking.ts';
import type { Connection } from './connection.ts';
import { askMount, countEntries } from './discovery.ts';
import { VaultError } from './errors.ts';
import { commonFault, serverFault, type Answer } from './faults.ts';
import type { Attempt, Operation } from './requests.ts';
import type { Server } from './server.ts';
import type { VaultTarget } from './target.ts';

/** What Vault tells about a target beside its fields. */
export interface Inspection {
  readonly vaultVersion?: string;
  /** The login method that worked. */
  readonly authMethod?: string;
  /** As Vault understands the path; absent if it does not tell. */
  readonly mount?: string;
  readonly secretPath?: string;
  /** The path is a folder, with so many entries. */
  readonly entries?: number;
}

export interface Inspecting {
  readonly server: Server;
  readonly connection: Connection;
  readonly target: VaultTarget;
  readonly attempt: Attempt;
  /** There is no secret at the path, or none that may be read: it may be a folder. */
  readonly maybeFolder: boolean;
  /** False while logins fail: not another one just for this. */
  readonly mayLogIn: boolean;
  /** What the last inspection saw: a moment later only what it lacks is asked for. */
  readonly before: Seen | undefined;
}

/** What was seen, and what was asked for to see it. */
export interface Seen {
  readonly at: number;
  readonly inspection: Inspection;
  readonly withPath: boolean;
  readonly withFolder: boolean;
}

/** How long it is good for; a read that works again ends it. */
const GOOD_MS = 30_000;

/** Something has changed: everything is to be asked for again. */
export function outdated(seen: Seen): Seen {
  return { ...seen, at: -Infinity };
}

/**
 * Asks for it: the server without a login, the rest with the session that reads use. What cannot be learned now is as
 * it was before, lest a status change with every failure. Throws no VaultError.
 */
export async function inspect(inspecting: Inspecting): Promise<Seen> {
  const { server, attempt, maybeFolder, mayLogIn, before } = inspecting;
  const recent = before && attempt.startedAt < before.at + GOOD_MS ? before : undefined;
  const isPathKnown = recent?.withPath === true && (recent.withFolder || !maybeFolder);
  if (recent && (isPathKnown || !mayLogIn)) return recent;
  const [health, path] = await Promise.all([
    recent ? undefined : server.health(attempt.signal),
    mayLogIn ? inspectPath({ ...inspecting, before: recent }).catch(nothing) : undefined,
  ]);
  attempt.signal.throwIfAborted();
  const { vaultVersion: oldVersion, ...old } = before?.inspection ?? {};
  const vaultVersion = health?.version ?? oldVersion;
  return {
    at: recent?.at ?? attempt.startedAt,
    inspection: {
      ...(vaultVersion !== undefined && { vaultVersion }),
      ...(path ?? withoutFolder(old, maybeFolder)),
    },
    withPath: path !== undefined,
    withFolder: path !== undefined && maybeFolder,
  };
}

function nothing(error: unknown): undefined {
  if (!(error instanceof VaultError)) throw error;
}

function withoutFolder({ entries, ...known }: Inspection, maybeFolder: boolean): Inspection {
  return { ...known, ...(maybeFolder && entries !== undefined && { entries }) };
}

async function inspectPath({
  connection,
  target,
  attempt,
  maybeFolder,
  before,
}: Inspecting): Promise<Inspection> {
  const asking = new Asking(connection, target, attempt);
  // For each request anew: a token may be good for few of them.
  const get = async (operation: Operation, path: string) => {
    const session = await connection.session(target.methods, attempt);
    authMethod = session.method.kind;
    return telling(await asking.get(operation, session.client(target.namespace), path));
  };
  let { authMethod } = before?.inspection ?? {};
  const found =
    before?.withPath === true ? before.inspection : await askMount(target, (path) => get('mount', path));
  const path = { mount: found?.mount ?? target.mount, secretPath: found?.secretPath ?? target.secretPath };
  const known = { ...(authMethod !== undefined && { authMethod }), ...(found?.mount !== undefined && path) };
  if (!maybeFolder) return known;
  const entries = await countEntries(path, (folder) => get('list', folder));
  return { ...known, ...(entries !== undefined && { entries }) };
}

/** Other answers tell nothing of what was asked for. */
function telling(answer: Answer): Answer {
  const fault = commonFault(answer) ?? (answer.status >= 500 ? serverFault(answer, 'read') : undefined);
  if (fault) throw new VaultError(fault);
  return answer;
}
