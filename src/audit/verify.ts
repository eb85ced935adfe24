import { follows, parseLine, type Tail } from './chain.ts';
import { bodyOf, factsOf, type Facts, type Line, type Named, type Unverified } from './facts.ts';

/**
 *  changed    the line is not as it was written, or was written with another key
 *  dropped    lines before it are not there
 *  reordered  lines before it come later
 *  repeated   the line was there already
 *  truncated  the chain goes on in truth: its last lines are not there
 *  missing    a chain, or the beginning of one, is in none of these files: perhaps in one that was not given; or
 *             rotation deleted it unverified
 */
export type FindingKind = 'changed' | 'dropped' | 'reordered' | 'repeated' | 'truncated' | 'missing';

export interface Finding {
  readonly kind: FindingKind;
  readonly chain: string;
  /** `audit.log.1:17`: the first line that is wrong, or the last one before the end that is missing. */
  readonly place: string | undefined;
  readonly message: string;
}

export interface ChainReport {
  readonly chain: string;
  readonly identity: string | undefined;
  readonly lines: readonly [first: number, last: number];
  readonly places: readonly [first: string, last: string];
  /** Its process ended in order, and said so. */
  readonly ended: boolean;
  /** The last line that is known from elsewhere; a cut behind it is not found unless the chain has ended. */
  readonly anchored: number;
}

export interface Report {
  readonly verdict: 'whole' | 'incomplete' | 'tampered';
  /** In the order of the lines. */
  readonly findings: readonly Finding[];
  readonly chains: readonly ChainReport[];
  /** Places of lines that begin like ours but do not end so: a disk was full, a process was killed. */
  readonly unfinished: readonly string[];
  /** How many lines are of the audit, and how many are something else (logs). */
  readonly counts: { readonly audit: number; readonly other: number };
}

export interface VerifyOptions {
  /** Of the Secret fairlead-audit-key, now and before. */
  readonly keys: readonly Buffer[];
  readonly anchors?: readonly Tail[];
}

interface Chain {
  readonly first: Seen;
  identity: string | undefined;
  last: Seen;
  key: Buffer | undefined;
  ended: boolean;
  /** Nothing after the first fault can be told. */
  broken: boolean;
  /** The line that should have come. */
  awaits: number | undefined;
}

interface Seen {
  readonly tail: Tail;
  readonly place: string;
  /** How many lines of the audit were before it. */
  readonly at: number;
}

interface Fault {
  readonly at: number;
  finding: Finding;
}

type Entry = Extract<ReturnType<typeof parseLine>, { kind: 'line' }>;

/** Looks at every line, in the order in which they were written, oldest file first. `lines` is gone through twice. */
export function verify(lines: Iterable<Line>, { keys, anchors = [] }: VerifyOptions): Report {
  const facts = factsOf(lines, anchors);
  const chains = new Map<string, Chain>();
  const faults: Fault[] = [];
  const unfinished: string[] = [];
  const counts = { audit: 0, other: 0 };
  for (const { file, number, text } of lines) {
    const place = `${file}:${number}`;
    const entry = parseLine(text);
    if (entry.kind === 'other') counts.other += 1;
    if (entry.kind === 'unfinished') unfinished.push(place);
    if (entry.kind !== 'line') continue;
    counts.audit += 1;
    const known = chains.get(entry.tail.chain);
    const seen = { tail: entry.tail, place, at: counts.audit };
    const finding = known ? next(known, entry, seen, keys, facts) : first(entry, seen);
    if (finding) faults.push({ at: seen.at, finding });
    else if (known?.awaits === entry.tail.seq) late(known);
  }
  for (const chain of chains.values()) {
    const finding = chain.broken ? undefined : shortOf(chain, facts);
    if (finding) faults.push({ at: chain.last.at, finding });
  }
  const inOrder = faults.sort((a, b) => a.at - b.at).map(({ finding }) => finding);
  const findings = [...inOrder, ...absent(chains, facts), ...facts.unverified.map(unproven)];
  return {
    verdict: verdictOf(findings),
    findings,
    chains: [...chains.values()].map((chain) => reportOf(chain, facts)),
    unfinished,
    counts,
  };

  function first(entry: Entry, seen: Seen): Finding | undefined {
    const { chain: id, seq } = entry.tail;
    const before = seq === 1 ? '' : facts.pruned.get(id)?.find((tail) => tail.seq === seq - 1)?.mac;
    const key = before === undefined ? undefined : keys.find((one) => follows(entry, before, one));
    const broken = before !== undefined && key === undefined;
    const chain = { first: seen, last: seen, key, broken, ...NOTHING_TOLD };
    chains.set(id, chain);
    tell(chain, entry);
    const { place } = seen;
    if (broken) return { kind: 'changed', chain: id, place, message: CHANGED };
    if (before !== undefined) return undefined;
    // At the very beginning it may just be that an older file was not given.
    const kind = seen.at === 1 ? 'missing' : 'dropped';
    return { kind, chain: id, place, message: `lines 1 to ${seq - 1} of the chain are not there` };
  }

  /** What was taken for dropped has come after all. */
  function late(chain: Chain): void {
    const id = chain.last.tail.chain;
    const fault = faults.findLast(({ finding }) => finding.chain === id);
    if (!fault) return;
    const message = `line ${chain.awaits} of the chain should be here, and comes later`;
    fault.finding = { ...fault.finding, kind: 'reordered', message };
    chain.awaits = undefined;
  }
}

const NOTHING_TOLD: Pick<Chain, 'identity' | 'ended' | 'awaits'> = {
  identity: undefined,
  ended: false,
  awaits: undefined,
};

const CHANGED = 'the line is not as Fairlead wrote it, or the key is another one';

function next(
  chain: Chain,
  entry: Entry,
  seen: Seen,
  keys: readonly Buffer[],
  { named }: Facts,
): Finding | undefined {
  if (chain.broken) return undefined;
  const { place } = seen;
  const { chain: id, seq, mac } = entry.tail;
  const expected = chain.last.tail.seq + 1;
  const fault = (kind: FindingKind, message: string): Finding => {
    chain.broken = true;
    return { kind, chain: id, place, message };
  };
  if (seq < chain.first.tail.seq)
    return fault('reordered', `line ${seq} of the chain should be before ${chain.first.place}`);
  if (seq < expected) return fault('repeated', `line ${seq} of the chain is here again`);
  if (seq > expected) {
    chain.awaits = expected;
    const which = seq - 1 === expected ? `line ${expected}` : `lines ${expected} to ${seq - 1}`;
    return fault('dropped', `before this, ${which} of the chain should be`);
  }
  const tried = chain.key ? [chain.key] : keys;
  const key = tried.find((one) => follows(entry, chain.last.tail.mac, one));
  if (!key) return fault('changed', CHANGED);
  const other = named.get(id)?.find((one) => one.seq === seq && one.mac !== mac);
  if (other) return fault('changed', `the line is another one than ${other.by} names`);
  chain.key = key;
  chain.last = seen;
  tell(chain, entry);
  return undefined;
}

function tell(chain: Chain, { unsigned }: Entry): void {
  const { action, why, identity } = bodyOf(unsigned);
  if (action === 'chain-start' && typeof identity === 'string') chain.identity = identity;
  chain.ended = action === 'checkpoint' && why === 'stop';
}

function shortOf({ last }: Chain, { named }: Facts): Finding | undefined {
  const { chain, seq } = last.tail;
  const further = latest(named.get(chain));
  if (!further || further.seq <= seq) return undefined;
  return {
    kind: 'truncated',
    chain,
    place: last.place,
    message: `after this, lines ${seq + 1} to ${further.seq} of the chain should be, says ${further.by}`,
  };
}

/** Chains of which others speak and of which no line is there, unless Fairlead deleted them by rotation. */
function absent(chains: ReadonlyMap<string, Chain>, { named, pruned }: Facts): Finding[] {
  return [...named].flatMap(([chain, tails]): Finding[] => {
    const tail = latest(tails);
    if (chains.has(chain) || !tail || covers(pruned.get(chain), tail)) return [];
    const message = `the chain, with at least ${tail.seq} lines, is in none of these files, says ${tail.by}`;
    return [{ kind: 'missing', chain, place: undefined, message }];
  });
}

function covers(ends: readonly Tail[] = [], { seq, mac }: Tail): boolean {
  return ends.some((end) => end.seq > seq || (end.seq === seq && end.mac === mac));
}

/** Nobody can say any more whether that was all right. */
function unproven({ chain, place, lines }: Unverified): Finding {
  const message = `rotation deleted what Fairlead could not verify (lines or chains: ${lines})`;
  return { kind: 'missing', chain, place, message };
}

function latest<T extends Tail>(tails: readonly T[] = []): T | undefined {
  return tails.reduce<T | undefined>((a, b) => (a && a.seq >= b.seq ? a : b), undefined);
}

function reportOf({ first, last, identity, ended }: Chain, { named }: Facts): ChainReport {
  const { chain, seq } = last.tail;
  return {
    chain,
    identity,
    lines: [first.tail.seq, seq],
    places: [first.place, last.place],
    ended,
    anchored: latest<Named>(named.get(chain))?.seq ?? 0,
  };
}

function verdictOf(findings: readonly Finding[]): Report['verdict'] {
  if (findings.some(({ kind }) => kind !== 'missing')) return 'tampered';
  return findings.length > 0 ? 'incomplete' : 'whole';
}
