import type { Tail } from './chain.ts';
import type { PartEnd } from './facts.ts';
import { slowLines } from './files.ts';
import { Proof } from './proof.ts';

/** What the line says with which a part ends. */
export interface Closing {
  readonly part: number;
  readonly pruned?: readonly PartEnd[];
  readonly unverified?: number;
}

/** Enough for the line that ended a part, and for the one that began a chain in the next one. */
const EDGE_BYTES = 1 << 18;

/**
 * The parts of a file, numbered for good, and where the chains ended in each: of what this process wrote from memory,
 * of what was there before from lines that prove it. security: what the file looks like is never believed.
 */
export class Parts {
  readonly #paths: readonly string[];
  readonly #keeps: number;
  #ends: PartEnd[] = [];
  #unverified: { readonly part: number; readonly lines: number }[] = [];
  #current = 1;
  #looked: 'not yet' | 'looking' | 'done' = 'not yet';

  /** `paths`: oldest first, the one that is written last; `keeps`: how many that are closed. */
  constructor(paths: readonly string[], keeps: number) {
    this.#paths = paths;
    this.#keeps = keeps;
  }

  /** Of the part that is written; undefined if there are none. */
  get current(): number | undefined {
    return this.#paths.length > 0 ? this.#current : undefined;
  }

  /** Finds out the number. Too low a number, after somebody tampered, only makes rotation excuse less. */
  async begin(key: Buffer): Promise<void> {
    const live = this.#paths.at(-1);
    let isNew = true;
    for (const path of this.#paths) {
      const proof = new Proof(key);
      const [from, to] = path === live ? [0, EDGE_BYTES] : [-EDGE_BYTES, Infinity];
      try {
        for await (const text of slowLines(path, from, to)) {
          isNew = false;
          proof.add(text);
        }
      } catch {
        // What cannot be read is found to be unverified when it goes.
        isNew = false;
      }
      this.#current = Math.max(this.#current, proof.highest);
    }
    if (isNew) this.#looked = 'done';
  }

  /**
   * False as long as it is not known what the older parts hold, which takes a while for some gigabytes; it is looked at
   * when it is asked for first. `own`: the chain of this process.
   */
  isKnown(key: Buffer, own: string): boolean {
    if (this.#looked === 'not yet') void this.#look(key, own);
    return this.#looked === 'done';
  }

  /** With the part that is written now the oldest one goes: where do its chains end? */
  closing(): Closing {
    const last = new Map<string, PartEnd>();
    for (const end of this.#ends) {
      const known = last.get(end.chain);
      if (end.part <= this.#limit && (!known || known.seq < end.seq)) last.set(end.chain, end);
    }
    const gone = this.#unverified.filter(({ part }) => part <= this.#limit);
    const unverified = gone.reduce((sum, { lines }) => sum + lines, 0);
    const pruned = [...last.values()].map(({ chain, seq, mac, part }) => ({ chain, seq, mac, part }));
    return {
      part: this.#current,
      ...(pruned.length > 0 && { pruned }),
      ...(unverified > 0 && { unverified }),
    };
  }

  /** A chain of this process ends here, in this part: in the line that closes it, or for good. */
  ends(tail: Tail): void {
    const { chain, seq, mac } = tail;
    const part = this.#current;
    this.#ends = this.#ends.filter((end) => end.chain !== chain || end.part !== part);
    this.#ends.push({ chain, seq, mac, part });
  }

  /** The part is closed, and another one is written. */
  rotated(): void {
    this.#ends = this.#ends.filter(({ part }) => part > this.#limit);
    this.#unverified = this.#unverified.filter(({ part }) => part > this.#limit);
    this.#current += 1;
  }

  get #limit(): number {
    return this.#current - this.#keeps;
  }

  async #look(key: Buffer, own: string): Promise<void> {
    this.#looked = 'looking';
    const proof = new Proof(key, own);
    for (const [i, path] of this.#paths.entries()) {
      let lines = 0;
      try {
        for await (const text of slowLines(path)) if (!proof.add(text)) lines += 1;
      } catch {
        lines += 1;
      }
      const part = this.#current - (this.#paths.length - 1 - i);
      if (lines > 0) this.#unverified.push({ part, lines });
    }
    const { ends, unproven } = proof.ends();
    this.#ends.push(...ends);
    if (unproven > 0) this.#unverified.push({ part: this.#current - this.#keeps, lines: unproven });
    this.#looked = 'done';
  }
}
