import { randomUUID } from 'node:crypto';
import { codeOf } from '../kube/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Anchor } from './anchor.ts';
import { chainOf, link, type Tail } from './chain.ts';
import { AuditError } from './errors.ts';
import type { AuditKey } from './key.ts';
import { Parts, type Closing } from './parts.ts';
import { housekeeping, type Body, type CheckpointWhy } from './record.ts';
import type { Sink } from './sink.ts';

export interface ChainWriterOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  /** Rejects with AuditError. */
  readonly readKey: () => Promise<AuditKey>;
  readonly anchor: Pick<Anchor, 'read'>;
  /** Of this replica. */
  readonly identity: string;
}

/** A checkpoint after so many lines. */
const INTERVAL = 1_000;

/**
 * Writes the chain of this process. It goes on from the last line that is whole in the file, so a write that failed
 * in the middle leaves the chain as it should be. Only where it is not known what is there a new chain begins.
 */
export class ChainWriter {
  readonly #options: ChainWriterOptions;
  #key: AuditKey | undefined;
  #after: Tail | undefined;
  #tail = chainOf(randomUUID());
  /** Ends the part that is written, if it is the last one. */
  #closed: Tail | undefined;
  #checkpointed = 0;
  #records = 0;
  #leftOut = 0;
  readonly #parts: Parts;

  constructor(options: ChainWriterOptions) {
    this.#options = options;
    this.#parts = new Parts(options.sink.parts, options.sink.keeps);
  }

  /** The last line that was written; undefined before the first. */
  get tail(): Tail | undefined {
    return this.#tail.seq > 0 ? this.#tail : undefined;
  }

  /**
   * Resolves when all of them are in the file, and the checkpoint if one is asked for. Rejects with AuditError if
   * that is not certain; some may be there. Not to be called again before it has ended.
   */
  async append(bodies: readonly Body[], checkpoint?: CheckpointWhy): Promise<void> {
    const key = await this.#begun();
    const { sink } = this.#options;
    if (sink.isFull && this.#parts.isKnown(key.bytes, this.#tail.chain)) await this.#rotate(key);
    const isDue = this.#tail.seq + bodies.length - this.#checkpointed >= INTERVAL;
    const why = checkpoint ?? (isDue ? 'interval' : undefined);
    await this.#write([...bodies, ...(why ? [this.#checkpoint(why, bodies)] : [])], key);
    if (why) this.#checkpointed = this.#tail.seq;
  }

  /** The key, and what the new chain comes after. */
  async #begun(): Promise<AuditKey> {
    if (this.#key) return this.#key;
    const key = await this.#options.readKey();
    this.#after = await this.#options.anchor.read().catch((error: unknown) => {
      throw new AuditError('AnchorUnreadable', `its anchor cannot be read (${codeOf(error)})`);
    });
    await this.#parts.begin(key.bytes);
    return (this.#key = key);
  }

  async #rotate(key: AuditKey): Promise<void> {
    // A rotation that is tried again needs no second line.
    if (this.#closed !== this.#tail) {
      await this.#write([this.#checkpoint('rotation', [], this.#parts.closing())], key);
      this.#closed = this.#tail;
      this.#parts.ends(this.#tail);
    }
    try {
      await this.#options.sink.rotate();
    } catch (error) {
      throw new AuditError('NotRotated', `its file cannot be rotated (${codeOf(error)})`);
    }
    this.#parts.rotated();
    this.#checkpointed = this.#tail.seq;
  }

  async #write(bodies: readonly Body[], key: AuditKey): Promise<void> {
    const all = this.#tail.seq === 0 ? [this.#start(key), ...bodies] : bodies;
    let tail = this.#tail;
    const links = all.map((body) => {
      const next = link(tail, body, key.bytes);
      tail = next.tail;
      return { body, tail, bytes: Buffer.from(`${next.line}\n`) };
    });
    const bytesOfAll = Buffer.concat(links.map((one) => one.bytes));
    const { bytes, code, unsynced } = await this.#options.sink.write(bytesOfAll);
    if (unsynced) {
      this.#beginAnew();
      throw new AuditError('Unwritable', `it cannot be synced to its disk (${code})`);
    }
    let end = 0;
    for (const one of links) {
      end += one.bytes.length;
      // A line that lacks nothing but its newline is there: whoever writes next begins with one.
      if (end - 1 > bytes) break;
      this.#tail = one.tail;
      this.#records += recordsIn([one.body]);
      this.#leftOut += leftOutIn([one.body]);
    }
    if (code !== undefined) throw new AuditError('Unwritable', `it cannot be written (${code})`);
  }

  /** After the last line that is certain; those behind it may be there, or in part. */
  #beginAnew(): void {
    const { tail } = this;
    if (tail) {
      this.#after = tail;
      this.#parts.ends(tail);
    }
    this.#tail = chainOf(randomUUID());
    this.#checkpointed = 0;
    this.#records = 0;
    this.#leftOut = 0;
  }

  #start({ uid: key }: AuditKey): Body {
    const { identity, clock } = this.#options;
    const { current: part } = this.#parts;
    return housekeeping({ action: 'chain-start', identity, key, after: this.#after, part }, clock.wall());
  }

  #checkpoint(why: CheckpointWhy, before: readonly Body[], closing?: Closing): Body {
    const records = this.#records + recordsIn(before);
    const leftOut = this.#leftOut + leftOutIn(before);
    const line = { action: 'checkpoint', why, records, leftOut, ...closing } as const;
    return housekeeping(line, this.#options.clock.wall());
  }
}

function recordsIn(bodies: readonly Body[]): number {
  return bodies.filter((body) => 'outcome' in body).length;
}

function leftOutIn(bodies: readonly Body[]): number {
  return bodies.reduce((sum, { action, count }) => sum + (action === 'left-out' ? Number(count) : 0), 0);
}
