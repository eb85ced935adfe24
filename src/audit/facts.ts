import { parseLine, type Tail } from './chain.ts';

/** A line of a file, as it stands there. */
export interface Line {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** That a chain has this line is known from elsewhere: an anchor, or the first line of the chain after it. */
export interface Named extends Tail {
  readonly by: string;
}

/** Where a chain ended in a part of the file: parts are numbered for good. */
export interface PartEnd extends Tail {
  readonly part: number;
}

/** What rotation deleted although nothing proved what it was. */
export interface Unverified {
  readonly chain: string;
  readonly place: string;
  readonly lines: number;
}

/** What lines say of other chains and files. They are not proven yet: that comes when they are verified. */
export interface Facts {
  /** The last line of each chain in parts that Fairlead deleted itself. */
  readonly pruned: ReadonlyMap<string, readonly PartEnd[]>;
  readonly unverified: readonly Unverified[];
  readonly named: ReadonlyMap<string, readonly Named[]>;
}

export function factsOf(lines: Iterable<Line>, anchors: readonly Tail[]): Facts {
  const pruned: PartEnd[] = [];
  const unverified: Unverified[] = [];
  const named: Named[] = anchors.map((anchor) => ({ ...anchor, by: 'the anchor' }));
  for (const { file, number, text } of lines) {
    if (!/"action":"(?:chain-start|checkpoint)"/.test(text)) continue;
    const parsed = parseLine(text);
    if (parsed.kind !== 'line') continue;
    const { tail } = parsed;
    const place = `${file}:${number}`;
    const { part, after, pruned: gone, unverified: count } = bodyOf(parsed.unsigned);
    if (isTail(after)) named.push({ ...after, by: place });
    const here = { ...tail, part };
    if (!isPartEnd(here)) continue;
    if (Array.isArray(gone)) pruned.push(...gone.filter(isPartEnd).filter((end) => isBefore(end, here)));
    if (typeof count === 'number') unverified.push({ chain: tail.chain, place, lines: count });
  }
  return {
    pruned: Map.groupBy(pruned, ({ chain }) => chain),
    named: Map.groupBy(named, ({ chain }) => chain),
    unverified,
  };
}

/** What a line says to be deleted was in a part before, and if it is of the same chain, it was a line before. */
function isBefore(end: PartEnd, line: PartEnd): boolean {
  return end.part < line.part && (end.chain !== line.chain || end.seq < line.seq);
}

export interface LineBody {
  readonly action?: unknown;
  readonly why?: unknown;
  readonly identity?: unknown;
  readonly part?: unknown;
  readonly after?: unknown;
  readonly unverified?: unknown;
  readonly pruned?: unknown;
}

/** Empty for what is not JSON: whoever changed it is told by its code. */
export function bodyOf(unsigned: string): LineBody {
  try {
    return JSON.parse(unsigned) as LineBody;
  } catch {
    return {};
  }
}

export function isTail(value: unknown): value is Tail {
  if (typeof value !== 'object' || value === null) return false;
  const { chain, seq, mac } = value as Partial<Tail>;
  return typeof chain === 'string' && Number.isSafeInteger(seq) && typeof mac === 'string';
}

export function isPartEnd(value: unknown): value is PartEnd {
  return isTail(value) && Number.isSafeInteger((value as Partial<PartEnd>).part);
}
