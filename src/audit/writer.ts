import { randomUUID } from 'node:crypto';
import { codeOf } from '../kube/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Anchor } from './anchor.ts';
import { chainOf, link, type Tail } from './chain.ts';
import { AuditError } from './errors.ts';
import { endsOf } from './files.ts';
import type { AuditKey } from './key.ts';
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
 * in the middle leaves the chain as it should be.
 */
export class ChainWriter {
  readonly #options: ChainWriterOptions;
  #key: AuditKey | undefined;
  #after: Tail | undefined;
  #tail = chainOf(randomUUID());
  #checkpointed = 0;
  #records = 0;
  #leftOut = 0;

  constructor(options: ChainWriterOptions) {
    this.#options = options;
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
    if (this.#options.sink.isFull) await this.#rotate(key);
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
    return (this.#key = key);
  }

  async #rotate(key: AuditKey): Promise<void> {
    const { sink } = this.#options;
    try {
      const pruned = sink.oldest === undefined ? [] : await endsOf(sink.oldest);
      await this.#write([this.#checkpoint('rotation', [], pruned)], key);
      await sink.rotate();
    } catch (error) {
      if (error instanceof AuditError) throw error;
      throw new AuditError('NotRotated', `its file cannot be rotated (${codeOf(error)})`);
    }
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
    const { bytes, code } = await this.#options.sink.write(Buffer.concat(links.map((one) => one.bytes)));
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

  #start(key: AuditKey): Body {
    const { identity, clock } = this.#options;
    const { uid } = key;
    return housekeeping({ action: 'chain-start', identity, key: uid, after: this.#after }, clock.wall());
  }

  #checkpoint(why: CheckpointWhy, before: readonly Body[], pruned: readonly Tail[] = []): Body {
    const records = this.#records + recordsIn(before);
    const leftOut = this.#leftOut + leftOutIn(before);
    const gone = pruned.length > 0 ? { pruned } : {};
    return housekeeping({ action: 'checkpoint', why, records, leftOut, ...gone }, this.#options.clock.wall());
  }
}

function recordsIn(bodies: readonly Body[]): number {
  return bodies.filter((body) => 'outcome' in body).length;
}

function leftOutIn(bodies: readonly Body[]): number {
  return bodies.reduce((sum, { action, count }) => sum + (action === 'left-out' ? Number(count) : 0), 0);
}
