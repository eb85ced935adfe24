export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

interface Entry<T> {
  readonly object: T;
  /** The values of each index, kept so that leaving an index does not depend on the object being unchanged. */
  readonly values: readonly (readonly string[])[];
}

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  readonly buckets: Map<string, Map<string, T>>;
}

/** Objects by key, and by the values of named indexes. Reading never blocks and never copies an object. */
export class Store<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #indexes: ReadonlyMap<string, Index<T>>;

  constructor(indexes: Indexes<T> = {}) {
    const made = Object.entries(indexes).map(
      ([name, valuesOf]) => [name, { valuesOf, buckets: new Map() }] as const,
    );
    this.#indexes = new Map(made);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.object;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  list(): readonly T[] {
    return [...this.#entries.values()].map(({ object }) => object);
  }

  /** The objects for which the index gives `value`. Throws if there is no index of that name. */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new TypeError(`there is no index ${name}`);
    return [...(index.buckets.get(value)?.values() ?? [])];
  }

  /** Puts the object in. If an index function throws, nothing has changed. */
  set(key: string, object: T): void {
    const indexes = [...this.#indexes.values()];
    const values = indexes.map(({ valuesOf }) => valuesOf(object));
    this.delete(key);
    this.#entries.set(key, { object, values });
    indexes.forEach(({ buckets }, i) => {
      for (const value of values[i] ?? []) {
        const bucket = buckets.get(value);
        if (bucket) bucket.set(key, object);
        else buckets.set(value, new Map([[key, object]]));
      }
    });
  }

  /** Takes the object out and returns it. */
  delete(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    let i = 0;
    for (const { buckets } of this.#indexes.values()) {
      for (const value of entry.values[i] ?? []) {
        const bucket = buckets.get(value);
        bucket?.delete(key);
        if (bucket?.size === 0) buckets.delete(value);
      }
      i += 1;
    }
    return entry.object;
  }
}
