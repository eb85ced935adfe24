import { forTenants } from '../../controllers/ask.ts';
import type { Integration } from '../../controllers/objects.ts';
import { targetOf } from '../../controllers/targets.ts';
import type { SourceFailure } from '../../sources/source.ts';
import { untilAborted } from '../../sources/vault/requests.ts';
import type { SecretKeyDependencies } from './deps.ts';
import { isNameable } from './name.ts';

/** The names of an integration's keys, in order, or why they cannot be told; never a value. */
export type VaultNames =
  | {
      readonly kind: 'names';
      readonly names: readonly string[];
      /** How many keys no reference can name. */
      readonly unnameable: number;
    }
  | { readonly kind: 'unread'; readonly reason: string; readonly message: string };

export interface Patience {
  /** Nothing is begun any more; monotonic milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** What was read so long ago is good enough: a thousand lists at once cost Vault a handful of reads. */
const FRESH_MS = 2_000;
const PATIENCE_MS = 3_000;

type Dependencies = Pick<SecretKeyDependencies, 'vault' | 'clock' | 'world' | 'systemNamespace' | 'allowed'>;

/**
 * Reads for many who list at once: those who come while a read is under way share it, so that a thousand of them are no
 * more work than one.
 */
export class NameReads {
  readonly #deps: Dependencies;
  readonly #flights = new Map<string, Promise<VaultNames>>();

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Without asking who may use it. Rejects with nothing but the signal's reason. */
  async of(integration: Integration, { deadline, signal }: Patience): Promise<VaultNames> {
    signal.throwIfAborted();
    // After many that hung: not another request that nobody has the time to wait for.
    if (deadline <= this.#deps.clock.now()) return SLOW;
    return untilAborted(this.#flight(integration), signal);
  }

  async #flight(integration: Integration): Promise<VaultNames> {
    const { name, resourceVersion } = integration.metadata;
    const key = `${name} ${resourceVersion}`;
    const known = this.#flights.get(key);
    if (known) return known;
    const flight = read(integration, this.#deps).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}

async function read(integration: Integration, deps: Dependencies): Promise<VaultNames> {
  const { clock, vault, systemNamespace } = deps;
  const id = integration.metadata.name;
  const mine = withoutWrapped(integration);
  if (!mine) return WRAPPED;
  const target = targetOf(id, { integration: () => mine }, deps);
  const tell = (failed: SourceFailure): VaultNames => {
    const { reason, message } = forTenants(id, failed, systemNamespace);
    return { kind: 'unread', reason, message };
  };
  if (target.kind === 'failed') return tell(target);

  const notBefore = clock.now() - FRESH_MS;
  const until = clock.now() + PATIENCE_MS;
  const giveUp = new AbortController();
  const cancel = clock.setTimeout(() => giveUp.abort(), PATIENCE_MS);
  try {
    for (;;) {
      const answer = await vault.read(target, { notBefore, signal: giveUp.signal });
      if (answer.kind === 'failed') return tell(answer);
      if (answer.kind === 'fields') return namesOf(answer.fields);
      if (clock.now() + answer.afterMs > until) return CROWDED;
      await clock.sleep(answer.afterMs);
    }
  } catch (error) {
    // Vault's own read goes on for whoever asks next.
    if (giveUp.signal.aborted) return SLOW;
    throw error;
  } finally {
    cancel();
  }
}

/** Sorting goes by what was read, for as long as the source itself keeps it; weak, so nothing is kept for this. */
const sorted = new WeakMap<ReadonlyMap<string, unknown>, VaultNames>();

function namesOf(fields: ReadonlyMap<string, unknown>): VaultNames {
  const known = sorted.get(fields);
  if (known) return known;
  const names = [...fields.keys()].filter(isNameable).toSorted();
  const found: VaultNames = { kind: 'names', names, unnameable: fields.size - names.length };
  sorted.set(fields, found);
  return found;
}

/**
 * security: a response-wrapping token is good for one use, and that is the controller's. With other logins beside it,
 * these are used here; undefined: there are none.
 */
export function withoutWrapped(integration: Integration): Integration | undefined {
  const { appRole, ...auth } = integration.spec.auth;
  if (!appRole?.wrapped) return integration;
  const { namespace: _, ...others } = auth;
  if (Object.keys(others).length === 0) return undefined;
  return { ...integration, spec: { ...integration.spec, auth } };
}

const WRAPPED: VaultNames = {
  kind: 'unread',
  reason: 'NotSupportedHere',
  message: 'it logs in with a wrapped secret id only, which is good for one use: that is for deliveries',
};
const SLOW: VaultNames = { kind: 'unread', reason: 'Unreachable', message: 'Vault did not answer in time' };
const CROWDED: VaultNames = {
  kind: 'unread',
  reason: 'RateLimited',
  message: 'too many ask for it just now; try again',
};
