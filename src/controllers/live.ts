import type { KubeClient } from '../kube/client.ts';
import { absent } from '../kube/errors.ts';
import type { KubeObject, ObjectRef, Resource } from '../kube/objects.ts';
import type { Clock } from '../runtime/clock.ts';

interface Read {
  readonly startedAt: number;
  readonly object: Promise<unknown>;
}

export interface Freshness {
  /** The object must come from a request that started at this moment or later; monotonic milliseconds. */
  readonly notBefore: number;
  readonly signal: AbortSignal;
}

/** A burst of pods takes about that long to work off; nothing is kept longer. */
const KEEP_MS = 1_000;

/**
 * Reads single objects from the API server, not from a cache, for many who ask at once: whoever came before a
 * request started may have its answer, so a thousand pods that share a store cost a handful of reads.
 */
export class LiveReads {
  readonly #client: Pick<KubeClient, 'get'>;
  readonly #clock: Clock;
  readonly #reads = new Map<string, Read>();

  constructor(client: Pick<KubeClient, 'get'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The object as `project` shows it; undefined if there is none. Rejects with KubeError, or the signal's reason. */
  async get<T>(
    resource: Resource,
    ref: ObjectRef,
    project: (raw: KubeObject) => T,
    { notBefore, signal }: Freshness,
  ): Promise<T | undefined> {
    signal.throwIfAborted();
    const key = `${resource.plural} ${ref.namespace ?? ''}/${ref.name}`;
    const known = this.#reads.get(key);
    const read = known && known.startedAt >= notBefore ? known : this.#start(key, resource, ref, project);
    return read.object as Promise<T | undefined>;
  }

  /** Not with the caller's signal: others wait for the same answer. The client has a time limit of its own. */
  #start(key: string, resource: Resource, ref: ObjectRef, project: (raw: KubeObject) => unknown): Read {
    const object = this.#client.get(resource, ref).then(project, absent);
    const read: Read = { startedAt: this.#clock.now(), object };
    this.#reads.set(key, read);
    const forget = () => {
      if (this.#reads.get(key) === read) this.#reads.delete(key);
    };
    object.then(() => this.#clock.setTimeout(forget, KEEP_MS), forget);
    return read;
  }
}
