import { AUDIT_ANCHOR_ANNOTATION, AUDIT_LEASE } from '../api/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { absent, codeOf } from '../kube/errors.ts';
import { microTime } from '../kube/event-object.ts';
import { LEASES } from '../kube/lease-lock.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Cancel, Clock } from '../runtime/clock.ts';
import { aborted } from './aborted.ts';
import type { Tail } from './chain.ts';
import { isTail } from './facts.ts';

/** Where the end of the chain is kept, out of reach of whoever can write the file. */
export interface Anchor {
  /** The last one that was written, of this process or of one before. */
  read(): Promise<Tail | undefined>;
  write(tail: Tail, signal?: AbortSignal): Promise<void>;
}

export interface LeaseAnchorOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly namespace: string;
  readonly identity: string;
}

/**
 * An annotation of the Lease `fairlead-audit`: not of the lease of the election, which loses its holder when somebody
 * else writes it. Both methods reject with KubeError.
 */
export function leaseAnchor({ client, clock, namespace, identity }: LeaseAnchorOptions): Anchor {
  const place = { namespace, name: AUDIT_LEASE };
  const look = async (signal?: AbortSignal): Promise<KubeObject | undefined> =>
    client.get(LEASES, place, { signal }).catch(absent);
  return {
    read: async () => anchoredIn(await look()),
    write: async (tail, signal) => {
      const present = await look(signal);
      await writeAnchor(client, { present, place, tail, holder: identity, at: clock.wall() }, signal);
    },
  };
}

export interface AnchorWrite {
  /** The Lease as it was read: with its version, so that of two who write it one loses. */
  readonly present: KubeObject | undefined;
  readonly place: { readonly namespace: string; readonly name: string };
  /** Absent: what is anchored stays. */
  readonly tail: Tail | undefined;
  readonly holder: string;
  readonly at: Date;
}

/** Writes a Lease that holds the end of a chain. Rejects with KubeError. */
export async function writeAnchor(
  client: Pick<KubeClient, 'create' | 'replace'>,
  { present, place, tail, holder, at }: AnchorWrite,
  signal?: AbortSignal,
): Promise<void> {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...(present?.metadata ?? place),
      annotations: {
        ...present?.metadata.annotations,
        ...(tail && { [AUDIT_ANCHOR_ANNOTATION]: JSON.stringify(tail) }),
      },
    },
    spec: { holderIdentity: holder, renewTime: microTime(at) },
  };
  if (present) await client.replace(LEASES, lease, { signal });
  else await client.create(LEASES, lease, { signal });
}

/** What is anchored in a Lease; undefined for nothing, and for what is no anchor. */
export function anchoredIn(lease: KubeObject | undefined): Tail | undefined {
  return parseAnchor(lease?.metadata.annotations?.[AUDIT_ANCHOR_ANNOTATION] ?? '');
}

/** The text of the annotation, and of a file that was made of it. */
export function parseAnchor(text: string): Tail | undefined {
  try {
    const { chain, seq, mac } = JSON.parse(text) as Tail;
    return isTail({ chain, seq, mac }) ? { chain, seq, mac } : undefined;
  } catch {
    return undefined;
  }
}

export interface AnchoringOptions {
  readonly anchor: Anchor;
  readonly clock: Clock;
  readonly onError: (code: string) => void;
}

const EVERY_MS = 5_000;

/** Brings the end of the chain into the anchor, at most every five seconds, and again after a failure. */
export class Anchoring {
  readonly #options: AnchoringOptions;
  #tail: Tail | undefined;
  #anchored: Tail | undefined;
  #nextAt = 0;
  #cancel: Cancel | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: AnchoringOptions) {
    this.#options = options;
    this.#nextAt = options.clock.now();
  }

  moved(tail: Tail): void {
    this.#tail = tail;
    const { clock } = this.#options;
    const wait = Math.max(0, this.#nextAt - clock.now());
    this.#cancel ??= clock.setTimeout(() => void this.#onTime(), wait);
  }

  /** The last word of this process. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#cancel?.();
    await Promise.race([this.#writeLast(signal), aborted(signal)]);
    this.#cancel?.();
  }

  async #writeLast(signal: AbortSignal): Promise<void> {
    await this.#writing;
    if (!signal.aborted) await this.#write(signal);
  }

  async #onTime(): Promise<void> {
    this.#nextAt = this.#options.clock.now() + EVERY_MS;
    this.#writing = this.#write();
    await this.#writing;
    this.#cancel = undefined;
    if (this.#tail && this.#tail !== this.#anchored) this.moved(this.#tail);
  }

  async #write(signal?: AbortSignal): Promise<void> {
    const tail = this.#tail;
    if (!tail || tail === this.#anchored) return;
    try {
      await this.#options.anchor.write(tail, signal);
      this.#anchored = tail;
    } catch (error) {
      this.#options.onError(codeOf(error));
    }
  }
}
