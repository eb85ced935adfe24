/** The few bytes of DNS (RFC 1035) that a resolver of names and addresses exchanges over UDP. */
export const A = 1;
const HEADER = 12;
const TTL_SECONDS = 1;
/** More would not fit into the 512 bytes that every client takes. */
const MAX_ADDRESSES = 24;

export const Rcode = { ok: 0, serverFailure: 2, noSuchName: 3 } as const;

export interface Question {
  readonly id: number;
  /** In lower case, without the dot at its end. */
  readonly name: string;
  readonly type: number;
  readonly recursionDesired: boolean;
  /** The question as it came: an answer repeats it, letter case included. */
  readonly section: Buffer;
}

/** The question of a query; undefined for whatever is none, or is cut short. */
export function parseQuery(message: Buffer): Question | undefined {
  if (message.length < HEADER || message.readUInt16BE(4) !== 1) return undefined;
  const flags = message.readUInt16BE(2);
  // An answer (that bit is set) must not be answered: two servers would never stop.
  if ((flags & 0x8000) !== 0) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type: message.readUInt16BE(at),
    recursionDesired: (flags & 0x0100) !== 0,
    section: message.subarray(HEADER, at + 4),
  };
}

export function answerTo(question: Question, rcode: number, addresses: readonly string[] = []): Buffer {
  const shown = question.type === A ? addresses.slice(0, MAX_ADDRESSES) : [];
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(question.id, 0);
  // An answer with authority, recursion offered; the client's wish for recursion is repeated.
  header.writeUInt16BE(0x8480 | (question.recursionDesired ? 0x0100 : 0) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(shown.length, 6);
  return Buffer.concat([header, question.section, ...shown.map(record)]);
}

function record(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  // The name is that of the question: a pointer to it.
  bytes.writeUInt16BE(0xc000 | HEADER, 0);
  bytes.writeUInt16BE(A, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt32BE(TTL_SECONDS, 6);
  bytes.writeUInt16BE(4, 10);
  bytes.set(address.split('.').map(Number), 12);
  return bytes;
}
