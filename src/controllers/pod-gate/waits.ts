import type { Reflector } from '../../kube/reflector.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { GatedPod } from '../objects.ts';
import { ageMs } from '../observed.ts';

/** Older than that when it is first seen, a pod has waited since it was made: for a leader that is gone, say. */
const NEW_MS = 5_000;

export interface WaitsOptions {
  readonly pods: Pick<Reflector<GatedPod>, 'list' | 'onChange'>;
  readonly clock: Clock;
  readonly onEnd: (outcome: 'delivered' | 'gone', ms: number) => void;
}

/** How long pods wait for their secrets: from the moment in which the leader sees them, each of them told once. */
export class Waits {
  readonly #options: WaitsOptions;
  readonly #since = new Map<string, number>();
  /** Ends the subscription. */
  readonly close: () => void;

  constructor(options: WaitsOptions) {
    this.#options = options;
    const { pods } = options;
    for (const pod of pods.list()) this.#seen(pod);
    this.close = pods.onChange(({ type, object }) => {
      if (type === 'added') this.#seen(object);
      else if (type === 'deleted') this.#left(object);
    });
  }

  /** Its gate was lifted. */
  delivered({ metadata }: GatedPod): void {
    this.#end(metadata.uid, 'delivered');
  }

  #seen(pod: GatedPod): void {
    if (!pod.gated) return;
    const { clock } = this.#options;
    const age = ageMs(pod, clock.wall());
    this.#since.set(pod.metadata.uid, clock.now() - (age > NEW_MS ? age : 0));
  }

  /** Not Pending any more, or deleted. If it was let go by somebody else, that is no end to be told here. */
  #left({ metadata, gated }: GatedPod): void {
    if (gated) this.#end(metadata.uid, 'gone');
    else this.#since.delete(metadata.uid);
  }

  #end(uid: string, outcome: 'delivered' | 'gone'): void {
    const since = this.#since.get(uid);
    if (since === undefined) return;
    this.#since.delete(uid);
    this.#options.onEnd(outcome, this.#options.clock.now() - since);
  }
}
