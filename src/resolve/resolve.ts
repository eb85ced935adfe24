import { LIMITS } from '../api/names.ts';
import type { Reason } from '../api/reasons.ts';
import type { SecretObject } from '../api/secret-reference.ts';
import type { Problem } from './problem.ts';
import { fit } from './value.ts';
import type { Wanted, WantedSet } from './wanted.ts';

type Source = SecretObject['source'];
export type SourceKey = `${Source['type']}/${string}`;
export const sourceKey = (source: Source): SourceKey => `${source.type}/${source.id}`;

/** What was learned of one source, whether the source itself or the permission check said it. */
export type SourceState =
  | {
      readonly kind: 'fields';
      readonly location: string;
      readonly fields: ReadonlyMap<string, string | Uint8Array>;
      readonly version?: number;
    }
  | ({ readonly kind: 'failed' } & Pick<Problem, 'reason' | 'message' | 'retryAfterMs'>);

/** How one variable came out: `Resolved` or the reason why not. For a reference's status. */
export interface EntryState {
  readonly wanted: Wanted;
  readonly problem?: Problem;
  readonly version?: number;
}

export interface Resolution {
  readonly entries: readonly EntryState[];
  /** The problems that hold a workload: of every entry that is not optional, and of the set as a whole. */
  readonly problems: readonly Problem[];
  /** The values by variable name, complete only if there are no problems. */
  readonly data: ReadonlyMap<string, Buffer>;
  /** The sources that were used, with versions: `VAULT/vault-prod@7`. */
  readonly provenance: readonly string[];
}

/** The distinct sources that a set of variables needs, in order of first use. */
export function sourcesOf(wanted: WantedSet): readonly Source[] {
  return [
    ...new Map(wanted.variables.map(({ secret }) => [sourceKey(secret.source), secret.source])).values(),
  ];
}

/** Puts what is wanted and what the sources said together. Every source of the set must be in `states`. */
export function resolve(wanted: WantedSet, states: ReadonlyMap<SourceKey, SourceState>): Resolution {
  const entries: EntryState[] = [];
  const problems: Problem[] = [...wanted.problems];
  const data = new Map<string, Buffer>();
  const provenance = new Set<string>();
  let size = 0;

  for (const variable of wanted.variables) {
    const key = sourceKey(variable.secret.source);
    const outcome = resolveOne(variable, states.get(key));
    entries.push({
      wanted: variable,
      ...outcome.version,
      ...('problem' in outcome && { problem: outcome.problem }),
    });
    if ('problem' in outcome) {
      if (!variable.optional || !isMissing(outcome.problem)) problems.push(outcome.problem);
      continue;
    }
    data.set(variable.name, outcome.bytes);
    size += outcome.bytes.length + variable.name.length;
    provenance.add(outcome.version.version === undefined ? key : `${key}@${outcome.version.version}`);
  }
  if (size > LIMITS.deliveryBytes) {
    problems.push({
      reason: 'TooLarge',
      message: `all values together are over ${LIMITS.deliveryBytes} bytes`,
    });
  }
  return { entries, problems, data, provenance: [...provenance] };
}

/** Only what is known not to be there may be left out: a Vault that is down is no reason to start without. */
const isMissing = ({ reason }: Problem): boolean => MISSING.includes(reason);
const MISSING: readonly Reason[] = [
  'KeyNotFound',
  'PathNotFound',
  'SourceDeleted',
  'StoreNotFound',
  'IntegrationNotFound',
];

type One = { version: { version?: number } } & ({ bytes: Buffer } | { problem: Problem });

function resolveOne({ name, secret }: Wanted, state: SourceState | undefined): One {
  if (!state) throw new RangeError(`no state for source ${sourceKey(secret.source)}`);
  const about = { entry: name, secret };
  if (state.kind === 'failed') {
    const { reason, message, retryAfterMs } = state;
    return {
      version: {},
      problem: { ...about, reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) },
    };
  }
  const version = state.version === undefined ? {} : { version: state.version };
  const value = state.fields.get(secret.key);
  if (value === undefined) {
    return {
      version,
      problem: { ...about, reason: 'KeyNotFound', message: `${state.location} has no such key` },
    };
  }
  const fitted = fit(name, value);
  if (!fitted.ok) return { version, problem: { ...about, ...fitted.problem } };
  return { version, bytes: fitted.bytes };
}
