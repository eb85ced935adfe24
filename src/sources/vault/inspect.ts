import { Asking } from './asking.ts';
import type { Connection } from './connection.ts';
import { askMount, countEntries } from './discovery.ts';
import { VaultError } from './errors.ts';
import type { Attempt } from './requests.ts';
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
  /** What was seen a moment ago: only what it lacks is asked for. */
  readonly before: Seen | undefined;
}

/** What was seen, and what was asked for to see it. */
export interface Seen {
  readonly at: number;
  readonly inspection: Inspection;
  readonly withPath: boolean;
  readonly withFolder: boolean;
}

/** Asks for it: the server without a login, the rest with the session that reads use. Throws no VaultError. */
export async function inspect(inspecting: Inspecting): Promise<Seen> {
  const { server, attempt, maybeFolder, mayLogIn, before } = inspecting;
  const isPathKnown = before?.withPath === true && (before.withFolder || !maybeFolder);
  if (before && (isPathKnown || !mayLogIn)) return before;
  const [health, path] = await Promise.all([
    before ? undefined : server.health(attempt.signal),
    mayLogIn ? inspectPath(inspecting).catch(nothing) : undefined,
  ]);
  attempt.signal.throwIfAborted();
  const vaultVersion = health?.version ?? before?.inspection.vaultVersion;
  return {
    at: before?.at ?? attempt.startedAt,
    inspection: { ...(vaultVersion !== undefined && { vaultVersion }), ...path },
    withPath: path !== undefined,
    withFolder: path !== undefined && maybeFolder,
  };
}

function nothing(error: unknown): undefined {
  if (!(error instanceof VaultError)) throw error;
}

async function inspectPath(inspecting: Inspecting): Promise<Inspection> {
  const { connection, target, attempt, maybeFolder, before } = inspecting;
  const asking = new Asking(connection, target, attempt);
  const session = await connection.session(target.methods, attempt);
  const client = session.client(target.namespace);
  const found =
    before?.withPath === true
      ? before.inspection
      : await askMount(target, (path) => asking.get('mount', client, path));
  const path = { mount: found?.mount ?? target.mount, secretPath: found?.secretPath ?? target.secretPath };
  const known = { authMethod: session.method.kind, ...(found?.mount !== undefined && path) };
  if (!maybeFolder) return known;
  const entries = await countEntries(path, (folder) => asking.get('list', client, folder));
  return { ...known, ...(entries !== undefined && { entries }) };
}
