import { StatusError } from '../../aggregation/errors.ts';
import type { NamedSource as Source } from '../../api/secret-reference.ts';
import { encodeToken, indexBehind, relation, type Position } from './page.ts';
import type { Selection } from './selection.ts';

/** Of one answer, so that nobody makes Fairlead hold a whole cluster's keys at once. */
export const MAX_ITEMS = 20_000;

/** Takes in sources in their order, until the page is full. */
export class PageBuilder {
  readonly items: Position[] = [];
  readonly #limit: number | undefined;
  readonly #position: Position | undefined;
  readonly #selection: Selection;
  #more = false;

  constructor(limit: number | undefined, position: Position | undefined, selection: Selection) {
    this.#limit = limit !== undefined && limit > 0 ? Math.min(limit, MAX_ITEMS) : undefined;
    this.#position = position;
    this.#selection = selection;
  }

  /** How many items fit in; undefined: all of them are wanted. */
  get room(): number | undefined {
    return this.#limit === undefined ? undefined : this.#limit - this.items.length;
  }

  get isFull(): boolean {
    return this.room === 0;
  }

  /** Whether the list goes on behind this page. */
  get hasMore(): boolean {
    return this.#more;
  }

  /** Whether keys of this source belong to this page or a later one. */
  covers(namespace: string, source: Source): boolean {
    return this.#selection.source(source) && relation(this.#position, namespace, source) !== 'before';
  }

  /** There is a source that the page has no room for: the next one begins with it. */
  leave(): void {
    this.#more = true;
  }

  /** `names` are sorted. Throws StatusError RequestEntityTooLarge if all keys are wanted and they are too many. */
  add(namespace: string, source: Source, names: readonly string[]): void {
    if (!this.covers(namespace, source)) return;
    const position = this.#position;
    const isAt = position !== undefined && relation(position, namespace, source) === 'at';
    for (let i = isAt ? indexBehind(names, position.key) : 0; i < names.length; i += 1) {
      const item = { namespace, source, key: names[i] ?? '' };
      if (!this.#selection.key(item)) continue;
      if (this.isFull) return this.leave();
      if (this.items.length === MAX_ITEMS) throw TOO_MANY;
      this.items.push(item);
    }
  }

  /** Of the next page; undefined: there is none. */
  token(): string | undefined {
    const last = this.items.at(-1);
    return this.#more && last ? encodeToken(last) : undefined;
  }
}

const TOO_MANY = new StatusError(
  'RequestEntityTooLarge',
  `these are more than ${MAX_ITEMS} keys: ask for them in pages (limit), or for those of one namespace or source`,
);
