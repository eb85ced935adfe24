import { Refusals } from './refusals.ts';

/** What this process has written on pods and may not have seen come back through the watch yet, by pod uid. */
export class PodMemory {
  readonly #released = new Map<string, number>();
  readonly #reported = new Map<string, Report>();
  readonly #intended = new Map<string, string>();
  readonly #refused = new Map<string, string>();
  readonly refusals = new Refusals();

  /** Its gate was lifted: the cache may show it gated for a moment more. */
  released(uid: string, now: number): void {
    this.#released.set(uid, now + LAG_MS);
  }

  /**
   * Milliseconds for which what the cache shows of a released pod is not to be believed; 0 if it is. It is believed
   * again after a while, should the cluster have been restored to a moment before the release.
   */
  releasedFor(uid: string, now: number): number {
    return Math.max(0, (this.#released.get(uid) ?? 0) - now);
  }

  reported(uid: string, report: Report): void {
    this.#reported.set(uid, report);
  }

  report(uid: string): Report | undefined {
    return this.#reported.get(uid);
  }

  /** The audit has it that just this is about to be delivered to the pod. */
  intended(uid: string, fingerprint: string): void {
    this.#intended.set(uid, fingerprint);
  }

  isIntended(uid: string, fingerprint: string): boolean {
    return this.#intended.get(uid) === fingerprint;
  }

  /** The API server refused what was intended: is it the first time? */
  isFirstRefusal(uid: string): boolean {
    const fingerprint = this.#intended.get(uid) ?? '';
    if (this.#refused.get(uid) === fingerprint) return false;
    this.#refused.set(uid, fingerprint);
    return true;
  }

  /** The pod has left the cache. */
  forget(uid: string): void {
    this.#released.delete(uid);
    this.#reported.delete(uid);
    this.#intended.delete(uid);
    this.#refused.delete(uid);
  }
}

/** Why a pod waits, as it stands in its condition. */
export interface Report {
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

const LAG_MS = 30_000;
