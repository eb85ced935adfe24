import { createHmac, timingSafeEqual } from 'node:crypto';

/** The end of a chain, or of what is known of it. */
export interface Tail {
  readonly chain: string;
  readonly seq: number;
  readonly mac: string;
}

/** Before the first line of a chain. */
export function chainOf(id: string): Tail {
  return { chain: id, seq: 0, mac: '' };
}

/** What every line of the audit begins with: logs may stand between them. */
const MARK = '{"audit":true,';
const LINE =
  /^\{"audit":true,"chain":"([0-9a-f-]{36})","seq":([1-9]\d{0,15}),.*(,"mac":"([0-9a-f]{64})"\})$/s;

/** The next line of a chain, without its newline. `body` has no field `audit`, `chain`, `seq` or `mac`. */
export function link(
  before: Tail,
  body: Readonly<Record<string, unknown>>,
  key: Buffer,
): { readonly line: string; readonly tail: Tail } {
  const { chain } = before;
  const seq = before.seq + 1;
  const unsigned = JSON.stringify({ audit: true, chain, seq, ...body });
  const mac = macOf(unsigned, before.mac, key);
  return { line: `${unsigned.slice(0, -1)},"mac":"${mac}"}`, tail: { chain, seq, mac } };
}

/** Over this line as it stands there and, by its code, over all lines before. */
function macOf(unsigned: string, before: string, key: Buffer): string {
  return createHmac('sha256', key).update(`${before}\n${unsigned}`).digest('hex');
}

/** `unfinished`: begins like one of ours, but was not written to its end. `other`: a log line, say. */
export type Parsed =
  | { readonly kind: 'line'; readonly tail: Tail; readonly unsigned: string }
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'other' };

export function parseLine(text: string): Parsed {
  if (!text.startsWith(MARK)) return { kind: 'other' };
  const [, chain, seq, end, mac] = LINE.exec(text) ?? [];
  if (chain === undefined || end === undefined || mac === undefined) return { kind: 'unfinished' };
  return {
    kind: 'line',
    tail: { chain, seq: Number(seq), mac },
    unsigned: `${text.slice(0, -end.length)}}`,
  };
}

/** Was this line written by somebody who has the key, after the line with the code `before`? */
export function follows(line: Extract<Parsed, { kind: 'line' }>, before: string, key: Buffer): boolean {
  const expected = macOf(line.unsigned, before, key);
  return timingSafeEqual(Buffer.from(expected), Buffer.from(line.tail.mac));
}
