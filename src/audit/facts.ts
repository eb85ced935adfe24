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

/** What lines say of other chains and files. They are not proven yet: that comes when they are verified. */
export interface Facts {
  /** The last line of each chain in files that Fairlead deleted itself. */
  readonly pruned: ReadonlyMap<string, readonly Tail[]>;
  readonly named: ReadonlyMap<string, readonly Named[]>;
}

export function factsOf(lines: Iterable<Line>, anchors: readonly Tail[]): Facts {
  const pruned: Tail[] = [];
  const named: Named[] = anchors.map((anchor) => ({ ...anchor, by: 'the anchor' }));
  for (const { file, number, text } of lines) {
    if (!/"action":"(?:chain-start|checkpoint)"/.test(text)) continue;
    const parsed = parseLine(text);
    if (parsed.kind !== 'line') continue;
    const { after, pruned: gone } = bodyOf(parsed.unsigned);
    if (isTail(after)) named.push({ ...after, by: `${file}:${number}` });
    if (Array.isArray(gone)) pruned.push(...gone.filter(isTail));
  }
  return {
    pruned: Map.groupBy(pruned, ({ chain }) => chain),
    named: Map.groupBy(named, ({ chain }) => chain),
  };
}

export interface LineBody {
  readonly action?: unknown;
  readonly why?: unknown;
  readonly identity?: unknown;
  readonly after?: unknown;
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
