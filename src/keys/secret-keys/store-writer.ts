import { StatusError } from '../../aggregation/errors.ts';
import { RESOURCES } from '../../api/resources.ts';
import { whyRefused } from '../../controllers/why-refused.ts';
import type { KubeClient } from '../../kube/client.ts';
import { absent, KubeError } from '../../kube/errors.ts';
import { retryDelay } from '../../kube/retry.ts';
import type { Clock } from '../../runtime/clock.ts';
import { asStatus, forbidden, retryAfter } from './errors.ts';
import { encodeName } from './name.ts';
import { changed, type Edit, type StoreObject, type StorePlace } from './write.ts';

export interface StoreWriterDependencies {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface WriteOptions {
  /** Everything but the writing. */
  readonly dryRun: boolean;
  /** Once it is aborted nothing is begun any more; what is under way is done. */
  readonly signal: AbortSignal;
}

/** A write that has not begun by then does not begin any more. */
const BEGIN_MS = 8_000;
const CALL_MS = 5_000;
const MAX_TRIES = 12;
const RETRY = { baseMs: 20, capMs: 500 };

/**
 * Writes single keys into stores that others write as well. Those of this process take turns for each store; against
 * everybody else stands the resourceVersion: a write over a version that is gone is made anew, so nothing is lost.
 */
export class StoreWriter {
  readonly #deps: StoreWriterDependencies;
  /** Of each store the last one in the row. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(deps: StoreWriterDependencies) {
    this.#deps = deps;
  }

  /**
   * The store as it is then. Rejects with StatusError: what `changed` throws; Conflict or ServiceUnavailable if nothing
   * was written; Timeout if that is not known. Or with the signal's reason, if nothing was begun.
   */
  async write(place: StorePlace, edit: Edit, { dryRun, signal }: WriteOptions): Promise<StoreObject> {
    const { clock } = this.#deps;
    const latest = clock.now() + BEGIN_MS;
    const key = `${place.namespace}/${place.name}`;
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before
      .catch(() => undefined)
      .then(async () => {
        signal.throwIfAborted();
        if (clock.now() > latest) throw BUSY;
        return this.#tries(place, edit, dryRun);
      });
    this.#turns.set(key, turn);
    const leave = () => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    };
    turn.then(leave, leave);
    return turn;
  }

  async #tries(place: StorePlace, edit: Edit, dryRun: boolean): Promise<StoreObject> {
    const { clock, random } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#try(place, edit, dryRun);
      } catch (error) {
        if (!(error instanceof KubeError) || !isRace(error)) throw error;
        if (attempt === MAX_TRIES) throw CONTENDED;
        await clock.sleep(retryDelay(error, attempt, RETRY, random));
      }
    }
  }

  async #try(place: StorePlace, edit: Edit, dryRun: boolean): Promise<StoreObject> {
    const { client } = this.#deps;
    const options = { timeoutMs: CALL_MS };
    const store = await client
      .get<StoreObject>(RESOURCES.secrets, place, options)
      .catch(absent)
      .catch((error: unknown) => {
        throw asStatus(error);
      });
    const { exists, object } = changed(store, edit, place);
    const write = exists ? client.replace.bind(client) : client.create.bind(client);
    try {
      return await write<StoreObject>(RESOURCES.secrets, object, { ...options, dryRun });
    } catch (error) {
      if (!(error instanceof KubeError) || isRace(error)) throw error;
      throw refusedWrite(error, edit);
    }
  }
}

/** Somebody was faster: written, deleted or created meanwhile. Only of the write itself, not of the read. */
function isRace({ code }: KubeError): boolean {
  return code === 'Conflict' || code === 'AlreadyExists' || code === 'NotFound';
}

function refusedWrite(error: KubeError, edit: Edit): StatusError {
  const { code, status } = error;
  const why = `the API server does not take the store: ${whyRefused(error)}`;
  if (code === 'Forbidden') return forbidden(encodeName(edit), why);
  if (status === 413 || isTooLarge(error)) return new StatusError('RequestEntityTooLarge', TOO_LARGE);
  if (code === 'Invalid') return new StatusError('Invalid', why);
  if (code === 'TooManyRequests') return new StatusError('ServiceUnavailable', why, retryAfter(error));
  // It may have been done before the answer was lost, so nobody is told to try again by itself.
  return new StatusError('Timeout', `it is not known whether the store was written: ${whyRefused(error)}`);
}

/** etcd's own limit: the names of the keys and what the API server notes of them count, too. It comes as a 500. */
function isTooLarge({ serverMessage = '' }: KubeError): boolean {
  return serverMessage.includes('request is too large');
}

const TOO_LARGE =
  'nothing was written: with the names of its keys the store would be larger than the cluster keeps';
const CONTENDED = new StatusError(
  'Conflict',
  'nothing was written: others write the store all the time; try again',
);
const BUSY = new StatusError(
  'ServiceUnavailable',
  'nothing was written: too many write to this store; try again',
  { retryAfterSeconds: 2 },
);
