import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { KubeError } from './errors.ts';
import { microTime } from './event-object.ts';
import type { KubeObject, Resource } from './objects.ts';

export const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  namespaced: true,
};

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number;
}

type Lease = KubeObject & { readonly spec?: LeaseSpec };

export interface LeaseLockOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Of this replica; unique. */
  readonly identity: string;
  readonly leaseDurationMs: number;
  /** For one request. */
  readonly timeoutMs: number;
}

export type Attempt = { readonly held: true } | { readonly held: false; readonly holder: string };

/**
 * One Lease object, and what this replica has seen of it. No clock but the own one counts: a lease has run out
 * when it was not seen to change for its whole duration.
 */
export class LeaseLock {
  readonly #options: LeaseLockOptions;
  #seen: Lease | undefined;
  #seenAt = 0;

  constructor(options: LeaseLockOptions) {
    this.#options = options;
  }

  /**
   * Takes or renews the lease if it is ours, free or run out. Writes only over the version that was read, so of
   * two replicas one loses. Rejects with a KubeError if the API server does not answer.
   */
  async tryHold(signal: AbortSignal): Promise<Attempt> {
    const { identity, clock } = this.#options;
    // While it is ours, nobody but us writes it: no need to read it first.
    if (this.#seen?.spec?.holderIdentity !== identity) await this.#look(signal);
    const spec = this.#seen?.spec;
    const holder = spec?.holderIdentity ?? '';
    if (holder !== '' && holder !== identity) {
      const durationMs = (spec?.leaseDurationSeconds ?? 0) * 1000;
      if (clock.now() < this.#seenAt + durationMs) return { held: false, holder };
    }
    try {
      await this.#write(this.#claim(spec), signal);
      return { held: true };
    } catch (error) {
      if (!outrun(error)) throw error;
    }
    await this.#look(signal);
    const present = this.#seen?.spec;
    const winner = present?.holderIdentity ?? '';
    if (winner !== '' && winner !== identity) return { held: false, holder: winner };
    // Free, or an earlier write of ours whose answer got lost: that counts from then, so it is written again.
    await this.#write(this.#claim(present), signal);
    return { held: true };
  }

  /** Gives the lease up, if it is ours, so that another replica need not wait for it to run out. */
  async release(): Promise<void> {
    const spec = this.#seen?.spec;
    if (spec?.holderIdentity !== this.#options.identity) return;
    const now = microTime(this.#options.clock.wall());
    await this.#write({ ...spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now });
  }

  #claim(old: LeaseSpec | undefined): LeaseSpec {
    const { identity, leaseDurationMs, clock } = this.#options;
    const now = microTime(clock.wall());
    const mine = old?.holderIdentity === identity;
    return {
      ...old,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: mine ? (old.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (old?.leaseTransitions ?? 0) + (mine || old === undefined ? 0 : 1),
    };
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { client, namespace, name, timeoutMs } = this.#options;
    try {
      this.#saw(await client.get<Lease>(LEASES, { namespace, name }, { signal, timeoutMs }));
    } catch (error) {
      if (!(error instanceof KubeError) || error.code !== 'NotFound') throw error;
      this.#seen = undefined;
    }
  }

  async #write(spec: LeaseSpec, signal?: AbortSignal): Promise<void> {
    const { client, namespace, name, timeoutMs } = this.#options;
    const options = { signal, timeoutMs };
    const head = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
    const lease = this.#seen
      ? await client.replace<Lease>(LEASES, { ...this.#seen, ...head, spec }, options)
      : await client.create<Lease>(LEASES, { ...head, metadata: { namespace, name }, spec }, options);
    this.#saw(lease);
  }

  #saw(lease: Lease): void {
    if (lease.metadata.resourceVersion !== this.#seen?.metadata.resourceVersion)
      this.#seenAt = this.#options.clock.now();
    this.#seen = lease;
  }
}

/** Somebody else wrote the lease since it was read, or removed it. */
function outrun(error: unknown): boolean {
  return error instanceof KubeError && ['Conflict', 'AlreadyExists', 'NotFound'].includes(error.code);
}
