import { follows, parseLine, type Tail } from './chain.ts';
import { bodyOf, isPartEnd, type PartEnd } from './facts.ts';

type Entry = Extract<ReturnType<typeof parseLine>, { kind: 'line' }>;

interface Known {
  /** Proven by the line after it; alone it could be anybody's, unless it is number 1. */
  readonly first: Entry;
  proven: boolean;
  last: Tail;
  /** In which `last` stands, as far as a signed line says so. */
  part: number | undefined;
  /** `last` ended a part, and is told with it. */
  told: boolean;
}

/** More chains than that nobody writes but somebody who wants to fill the memory. */
const MAX_CHAINS = 10_000;

/**
 * security: where the chains ended in the parts of a file, from nothing but lines that were written with the key, and
 * from what those say of parts: whoever can write the files can move lines from one to another.
 */
export class Proof {
  readonly #key: Buffer;
  readonly #own: string | undefined;
  readonly #chains = new Map<string, Known>();
  readonly #ends: PartEnd[] = [];
  readonly #pruned: PartEnd[] = [];
  #highest = 0;

  /** `own`: a chain of which the caller knows better. */
  constructor(key: Buffer, own?: string) {
    this.#key = key;
    this.#own = own;
  }

  /** The highest number that a proven line gives the part behind it, or its own; 0 if none does. */
  get highest(): number {
    return this.#highest;
  }

  /** The next line, oldest part first; false if it is one of the audit and proves nothing. */
  add(text: string): boolean {
    const entry = parseLine(text);
    if (entry.kind !== 'line' || entry.tail.chain === this.#own) return true;
    const { chain, seq } = entry.tail;
    const known = this.#chains.get(chain);
    const isNext = known !== undefined && seq === known.last.seq + 1;
    if (isNext && follows(entry, known.last.mac, this.#key)) {
      Object.assign(known, { proven: true, last: entry.tail, told: false });
      this.#tell(known, entry);
      return true;
    }
    if (known?.proven || (!known && this.#chains.size >= MAX_CHAINS)) return false;
    const proven = seq === 1 && follows(entry, '', this.#key);
    if (seq === 1 && !proven) return false;
    const begun = { first: entry, proven, last: entry.tail, part: undefined, told: false };
    this.#chains.set(chain, begun);
    if (proven) this.#tell(begun, entry);
    return known === undefined;
  }

  /** The last line of each chain in each part; and how many chains there are whose end cannot be proven. */
  ends(): { readonly ends: readonly PartEnd[]; readonly unproven: number } {
    const ends = [...this.#ends];
    let unproven = 0;
    for (const { first, proven, last, part: said, told } of this.#chains.values()) {
      if (told) continue;
      const before = said === undefined ? this.#before(first) : undefined;
      const part = said ?? (before && before.part + 1);
      if (part === undefined || !(proven || before)) unproven += 1;
      else ends.push({ ...last, part });
    }
    return { ends, unproven };
  }

  /** A chain whose beginning Fairlead deleted goes on in the part behind. */
  #before(first: Entry): PartEnd | undefined {
    const { chain, seq } = first.tail;
    return this.#pruned.find(
      (end) => end.chain === chain && end.seq === seq - 1 && follows(first, end.mac, this.#key),
    );
  }

  #tell(known: Known, { tail, unsigned }: Entry): void {
    if (!/"action":"(?:chain-start|checkpoint)"/.test(unsigned)) return;
    const { action, why, part, pruned } = bodyOf(unsigned);
    if (typeof part !== 'number' || !Number.isSafeInteger(part)) return;
    const closes = action === 'checkpoint' && why === 'rotation';
    if (closes) {
      this.#ends.push({ ...tail, part });
      known.told = true;
    }
    if (closes || action === 'chain-start') {
      known.part = closes ? part + 1 : part;
      this.#highest = Math.max(this.#highest, known.part);
    }
    if (Array.isArray(pruned)) this.#pruned.push(...pruned.filter(isPartEnd));
  }
}
