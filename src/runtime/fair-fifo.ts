/** First in, first out, of distinct strings; every operation is O(1), also taking one out of the middle. */
class Fifo {
  readonly #items = new Set<string>();
  /**
   * One iterator for the life of the Set: it stays where it is while items before it are deleted and sees those
   * added later. A new iterator each time would walk over all the holes that deleting leaves at the front.
   */
  #cursor: SetIterator<string> | undefined;

  get size(): number {
    return this.#items.size;
  }

  push(item: string): void {
    this.#items.add(item);
  }

  delete(item: string): boolean {
    return this.#items.delete(item);
  }

  shift(): string | undefined {
    this.#cursor ??= this.#items.values();
    let step = this.#cursor.next();
    if (step.done) {
      this.#cursor = this.#items.values();
      step = this.#cursor.next();
    }
    if (step.done) {
      this.#cursor = undefined;
      return undefined;
    }
    this.#items.delete(step.value);
    return step.value;
  }
}

/**
 * Keys in groups that take turns: a group with ten thousand keys delays a group with one by one key. Inside a
 * group the order is that of arrival.
 */
export class FairFifo {
  readonly #groupOf: (key: string) => string;
  readonly #groups = new Map<string, Fifo>();
  /** The groups that have keys, in the order of their turns. */
  readonly #turns = new Fifo();
  #size = 0;

  constructor(groupOf: (key: string) => string) {
    this.#groupOf = groupOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a key that is not in yet. */
  push(key: string): void {
    const name = this.#groupOf(key);
    let group = this.#groups.get(name);
    if (!group) {
      group = new Fifo();
      this.#groups.set(name, group);
      this.#turns.push(name);
    }
    group.push(key);
    this.#size += 1;
  }

  delete(key: string): void {
    const name = this.#groupOf(key);
    const group = this.#groups.get(name);
    if (!group?.delete(key)) return;
    this.#size -= 1;
    if (group.size === 0) {
      this.#groups.delete(name);
      this.#turns.delete(name);
    }
  }

  shift(): string | undefined {
    const name = this.#turns.shift();
    if (name === undefined) return undefined;
    const group = this.#groups.get(name);
    const key = group?.shift();
    this.#size -= 1;
    if (group && group.size > 0) this.#turns.push(name);
    else this.#groups.delete(name);
    return key;
  }
}
