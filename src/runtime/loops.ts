import type { Clock } from './clock.ts';

/** One turn of a loop. */
export interface Turn {
  /** The next one begins. */
  readonly again: () => void;
  /** The loop rests, or has ended in good order. */
  readonly end: () => void;
}

interface Running {
  readonly name: string;
  readonly atMostMs: number;
  since: number;
}

/**
 * Whether the loops of this process still run: what /livez asks. A loop says when a turn begins and ends; one that
 * takes far longer than it may will not end, and one that has died says so. A restart helps both.
 */
export class Loops {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #turns = new Set<Running>();
  readonly #dead = new Set<string>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** A turn begins that ends, or is followed by the next one, within so many milliseconds. */
  begin(name: string, atMostMs: number): Turn {
    const turn = { name, atMostMs, since: this.#clock.now() };
    this.#turns.add(turn);
    return {
      again: () => void (turn.since = this.#clock.now()),
      end: () => void this.#turns.delete(turn),
    };
  }

  /** It has ended although nobody stopped it. */
  died(name: string): void {
    this.#dead.add(name);
  }

  /** The loop that does not run any more; undefined while all do. */
  problem(): string | undefined {
    const [dead] = this.#dead;
    if (dead !== undefined) return `${dead} has ended`;
    const now = this.#clock.now();
    for (const { name, atMostMs, since } of this.#turns)
      if (now - since > atMostMs) return `${name} does not come to an end`;
    return undefined;
  }
}
