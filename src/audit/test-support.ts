import { chainOf, link, type Tail } from './chain.ts';
import type { Line, PartEnd } from './facts.ts';
import { housekeeping, recordBody, type AuditRecord, type Body } from './record.ts';

/** What the tests of this room share. */
export const KEY = Buffer.alloc(32, 7);
export const AT = new Date('2026-01-01T00:00:00Z');
export const IDS = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;

export const record = (rest: Partial<AuditRecord> = {}): AuditRecord => ({
  actor: { kind: 'pod', namespace: 'team-a', name: 'driver', uid: 'u', serviceAccount: 'default' },
  action: 'deliver',
  namespace: 'team-a',
  reference: 'warehouse',
  delivery: 'fairlead-d-1',
  outcome: 'delivered',
  reason: 'Resolved',
  ...rest,
});

export const started = (after?: Tail, part?: number): Body =>
  housekeeping({ action: 'chain-start', identity: 'one', key: 'uid', after, part }, AT);
export const stopped = (): Body =>
  housekeeping({ action: 'checkpoint', why: 'stop', records: 1, leftOut: 0 }, AT);
export const rotated = (part: number, pruned?: readonly PartEnd[]): Body =>
  housekeeping({ action: 'checkpoint', why: 'rotation', records: 1, leftOut: 0, part, pruned }, AT);

export interface Written {
  readonly texts: readonly string[];
  readonly tails: readonly Tail[];
  readonly tail: Tail;
}

/** The lines of a chain with these bodies. */
export function chain(id: string, bodies: readonly Body[], key = KEY): Written {
  const tails: Tail[] = [];
  const texts = bodies.map((body) => {
    const { line, tail } = link(tails.at(-1) ?? chainOf(id), body, key);
    tails.push(tail);
    return line;
  });
  return { texts, tails, tail: tails.at(-1) ?? chainOf(id) };
}

/** A chain of so many lines, with start and end. */
export function wholeChain(id: string, records: number, after?: Tail): Written {
  const bodies = Array.from({ length: records }, (_, i) => recordBody(record({ entry: `V${i}` }), AT));
  return chain(id, [started(after), ...bodies, stopped()]);
}

export function file(texts: readonly string[], name = 'audit.log'): Line[] {
  return texts.map((text, i) => ({ file: name, number: i + 1, text }));
}
