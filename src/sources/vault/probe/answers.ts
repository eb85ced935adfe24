import { at, isMap, numberAt } from '../../../json/json.ts';
import type { Asking } from '../asking.ts';
import type { Session } from '../connection.ts';
import { askMount, countEntries } from '../discovery.ts';
import { VaultError, type Fault } from '../errors.ts';
import { commonFault, notKVv2, readFault, serverFault, type Answer } from '../faults.ts';
import { LOOKUP_SELF, lookupFault, isPolicyDenial, TOKEN_REFUSED } from '../token.ts';
import { failed, passed, skipped, type StepResult } from './steps.ts';

/** What was found on the way. */
export interface Findings {
  mount?: string;
  secretPath?: string;
  /** The path is a folder with so many entries. */
  entries?: number;
  keyCount?: number;
}

/** One logged in, and what it asks. */
export interface Looking {
  readonly asking: Asking;
  readonly session: Session;
  readonly found: Findings;
}

/** Requests of the steps before the read, the read itself, and some to spare. */
const USES_NEEDED = 8;

/** A token that is good for few requests is kept for the read. */
export function isScarce({ session }: Looking): StepResult | undefined {
  const { uses } = session.grant;
  return uses < USES_NEEDED
    ? skipped('the token is good for few requests, which are kept for the read')
    : undefined;
}

/** Step "lookup-self": how long the token lives, and with which policies. Throws VaultError. */
export async function lookUp({ asking, session }: Looking): Promise<StepResult> {
  const { target } = asking;
  const answer = await asking.get('lookup-self', session.client(target.loginNamespace), LOOKUP_SELF);
  const fault = lookupFault(answer, target.loginNamespace);
  if (fault) throw new VaultError(fault);
  if (answer.status === 200) return passed('the token lives', tokenWords(answer));
  if (isPolicyDenial(answer) || !session.grant.ours) {
    return skipped(
      'the token may not look itself up (the policy `default` would allow it); Fairlead does without',
    );
  }
  throw new VaultError(TOKEN_REFUSED);
}

function tokenWords({ body }: Answer): string {
  const ttl = numberAt(body, 'data', 'ttl') ?? 0;
  const renewable = at(body, 'data', 'renewable') === true ? 'renewable' : 'not renewable';
  const policies = names(at(body, 'data', 'policies'));
  const life = ttl > 0 ? `${duration(ttl)}, ${renewable}` : 'for ever';
  return `the token lives ${life}; policies: ${policies.join(', ') || 'none'}`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `about ${Math.round(seconds)} s`;
  return seconds < 7200 ? `about ${Math.round(seconds / 60)} min` : `about ${Math.round(seconds / 3600)} h`;
}

/** What a server says, as far as it looks like names. */
function names(list: unknown): readonly string[] {
  if (!Array.isArray(list)) return [];
  return list.filter((name) => typeof name === 'string' && /^[\w./ -]{1,128}$/.test(name)).slice(0, 16);
}

const CAPABILITIES_SELF = 'sys/capabilities-self';
const READERS = ['read', 'root', 'sudo'];

/** Step "capabilities": may the token read the path? Throws VaultError. */
export async function askCapabilities(looking: Looking): Promise<StepResult> {
  const { asking, session, found } = looking;
  const { target, connection, attempt } = asking;
  const path = `${target.mount}/data/${target.secretPath}`;
  const answer = await connection.ask('capabilities', attempt, () =>
    session.client(target.namespace).write(CAPABILITIES_SELF, { paths: [path] }, attempt.signal),
  );
  const fault = commonFault(answer) ?? (answer.status >= 500 ? serverFault(answer, 'read') : undefined);
  if (fault) throw new VaultError(fault);
  const given = at(answer.body, 'data', 'capabilities') ?? at(answer.body, 'data', path);
  if (answer.status !== 200 || !Array.isArray(given)) {
    return skipped(
      'the token may not ask what it may do (the policy `default` allows it, by `update` on sys/capabilities-self); the read tells',
    );
  }
  const may = names(given);
  if (may.some((one) => READERS.includes(one)))
    return passed('the token may read the path', `it may ${may.join(', ')}`);
  const entries = await entriesIn(looking);
  if (entries !== undefined) {
    found.entries = entries;
    return passed('the token may not read the path itself, but list the folder that it is');
  }
  return failed('PermissionDenied', DENIED, `${DENIED} (it may: ${may.join(', ') || 'nothing'})`);
}

const DENIED =
  'the login works but its policies do not allow this: grant it `read` on this path in Vault, with the /data/ in it';

/** Step "mount": is the path in a KV version 2 engine? Throws VaultError. */
export async function seeMount({ asking, session, found }: Looking): Promise<StepResult> {
  const { target } = asking;
  const mount = await askMount(target, async (path) => {
    const answer = await asking.get('mount', session.client(target.namespace), path);
    const fault = commonFault(answer);
    if (fault) throw new VaultError(fault);
    return answer;
  });
  if (!mount) {
    return skipped('Vault does not tell this login about a mount there; the read tells');
  }
  if (!mount.isKVv2) {
    throw new VaultError(notKVv2(mount.mount, 200, mount));
  }
  found.mount = mount.mount;
  if (mount.secretPath !== undefined) found.secretPath = mount.secretPath;
  return passed(`${JSON.stringify(mount.mount)} is a KV version 2 engine`);
}

/** Step "read": the values are looked at by nobody, only counted. Throws VaultError. */
export async function read(looking: Looking): Promise<StepResult> {
  const { asking, session, found } = looking;
  const { target } = asking;
  const folder = () =>
    passed(
      `${target.location} is a folder with ${found.entries} entries; references name a secret in it with secret.path`,
    );
  if (found.entries !== undefined) return folder();
  const answer = await asking.path(session, undefined);
  const fault = readFault(answer, target);
  if (!fault) {
    const data = at(answer.body, 'data', 'data');
    found.keyCount = isMap(data) ? data.size : 0;
    const version = numberAt(answer.body, 'data', 'metadata', 'version');
    return passed(`read ${target.location}${version === undefined ? '' : `, version ${version}`}`);
  }
  if (maybeFolder(fault)) {
    const entries = await entriesIn(looking);
    if (entries !== undefined) {
      found.entries = entries;
      return folder();
    }
  }
  throw new VaultError(fault);
}

async function entriesIn({ asking, session }: Looking): Promise<number | undefined> {
  const { target } = asking;
  return countEntries(target, async (folder) => asking.get('list', session.client(target.namespace), folder));
}

function maybeFolder({ reason }: Fault): boolean {
  return reason === 'PathNotFound' || reason === 'PermissionDenied';
}

/** Step "number of keys". */
export function countKeys({ keyCount }: Findings): StepResult {
  return keyCount === undefined
    ? skipped('a folder has no keys of its own')
    : passed(`${keyCount} ${keyCount === 1 ? 'key' : 'keys'}`);
}
