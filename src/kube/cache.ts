import { codeOf } from './errors.ts';
import { keyOf, type KubeObject, type ObjectMeta } from './objects.ts';
import { Store, type Indexes } from './store.ts';

/** What a cached object must keep of the original. */
export interface Cacheable {
  readonly metadata: Readonly<Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>>;
}

export interface Change<T> {
  readonly type: 'added' | 'updated' | 'deleted';
  readonly key: string;
  /** For `deleted` the last state that was seen. */
  readonly object: T;
  /** Before the change; only for `updated`. */
  readonly old?: T;
}

export type ChangeHandler<T> = (change: Change<T>) => void;

export interface CacheOptions<T> {
  readonly project: (raw: KubeObject) => T;
  readonly indexes: Indexes<T>;
  /** A function of ours threw; only its code is passed on. */
  readonly onError: (during: 'handler' | 'project', code: string) => void;
}

/**
 * The store and those who follow it. Lists and watches both come through `upsert` and `remove`, so a change means
 * the same wherever it was learnt. What our own functions throw is reported and stops nothing.
 */
export class Cache<T extends Cacheable> {
  readonly store: Store<T>;
  readonly #options: CacheOptions<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();

  constructor(options: CacheOptions<T>) {
    this.#options = options;
    this.store = new Store(options.indexes);
  }

  /** Subscribes; what is returned unsubscribes. What is in the store already is not told again. */
  onChange(handler: ChangeHandler<T>): () => void {
    // An entry of its own, so that one function may be subscribed twice.
    const entry: ChangeHandler<T> = (change) => handler(change);
    this.#handlers.add(entry);
    return () => void this.#handlers.delete(entry);
  }

  /**
   * Takes in the present state of an object. One that is known already (same uid and resourceVersion) is no
   * change; another uid means that the old object was deleted and a new one made.
   */
  upsert(raw: KubeObject): void {
    const key = keyOf(raw);
    const old = this.store.get(key);
    const { uid, resourceVersion } = raw.metadata;
    const same = old?.metadata.uid === uid;
    if (same && old.metadata.resourceVersion === resourceVersion) return;
    if (old !== undefined && !same) this.remove(key);
    let object: T;
    try {
      object = this.#options.project(withoutManagedFields(raw));
      this.store.set(key, object);
    } catch (error) {
      // Nobody may go on with a state that is over: what cannot be read is as good as gone.
      this.#options.onError('project', codeOf(error));
      this.remove(key);
      return;
    }
    if (same) this.#tell({ type: 'updated', key, object, old });
    else this.#tell({ type: 'added', key, object });
  }

  /** With a uid only if it is still that object. */
  remove(key: string, uid?: string): void {
    if (uid !== undefined && this.store.get(key)?.metadata.uid !== uid) return;
    const object = this.store.delete(key);
    if (object !== undefined) this.#tell({ type: 'deleted', key, object });
  }

  /** After a complete list: whatever it did not hold is gone. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.store.keys()) if (!keys.has(key)) this.remove(key);
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        // A handler can be an async function all the same, and its rejection would end the process.
        const returned = handler(change) as unknown;
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#failed(error));
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    this.#options.onError('handler', codeOf(error));
  }
}

/** The largest part of many objects, and of no use to us. */
function withoutManagedFields(raw: KubeObject): KubeObject {
  delete (raw.metadata as { managedFields?: unknown }).managedFields;
  return raw;
}
