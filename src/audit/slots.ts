import { AUDIT_ANCHOR_ANNOTATION } from '../api/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { absent, KubeError } from '../kube/errors.ts';
import { LEASES } from '../kube/lease-lock.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Clock } from '../runtime/clock.ts';
import { anchoredIn, writeAnchor, type Anchor } from './anchor.ts';
import type { Tail } from './chain.ts';
import { AuditError } from './errors.ts';

export interface SlotOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly namespace: string;
  /** The Leases are named `<prefix>0` and so on. */
  readonly prefix: string;
  readonly count: number;
  /** Of this replica; one that starts again under the same name takes its slot at once. */
  readonly identity: string;
}

type Lease = KubeObject & {
  readonly spec?: { readonly holderIdentity?: string | null; readonly renewTime?: string | null };
};

interface Slot {
  readonly name: string;
  readonly lease: Lease | undefined;
}

/** A replica that has not said for so long that it is there is gone. */
const GONE_MS = 60_000;
const RENEW_MS = 15_000;

/**
 * The anchors of replicas that all write at the same time: each takes a Lease that nobody holds, and its chain comes
 * after the one that was anchored there before. So there are never more anchors than there were replicas at once,
 * whatever they are called. Two that hold one for a moment do no harm: each chain goes on, and who lost takes another,
 * in which nothing is anchored of anybody else.
 */
export class SlotAnchor implements Anchor {
  readonly #options: SlotOptions;
  #name: string | undefined;
  #tail: Tail | undefined;
  /** What its chain comes after: named in it, so that nothing is lost with the anchor. */
  #after: Tail | undefined;
  /** Those that it has brought into an anchor, or tried to. */
  readonly #chains = new Set<string>();
  #problem: string | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** Takes a slot. Rejects with KubeError, or AuditError NoFreeAnchor. */
  async read(): Promise<Tail | undefined> {
    return (this.#after = anchoredIn((await this.#claim(() => true)).lease));
  }

  /** Why the end of the chain has no anchor; undefined while it has one, and before the first is asked for. */
  problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Rejects like read(): a slot that somebody else has taken is left to them, and another one is written. The chain is
   * under way and cannot name what it comes after any more, so what is anchored of others is left: without its anchor
   * nobody would see that the end of their file was cut off.
   */
  async write(tail: Tail, signal?: AbortSignal): Promise<void> {
    this.#tail = tail;
    this.#chains.add(tail.chain);
    const held = this.#name === undefined ? undefined : await this.#look(this.#name, signal);
    if (held && held.lease?.spec?.holderIdentity === this.#options.identity) await this.#write(held, signal);
    else await this.#claim((slot) => this.#isOwn(slot), signal);
  }

  /** Says that this replica is still there, until the signal is aborted; then it gives its slot up. */
  async hold(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(RENEW_MS, signal).catch(() => undefined);
      if (signal.aborted || !this.#tail) continue;
      await this.write(this.#tail, signal).catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      });
    }
  }

  /** For the next replica; what is anchored stays. */
  async release(signal: AbortSignal): Promise<void> {
    if (this.#name === undefined) return;
    const slot = await this.#look(this.#name, signal);
    this.#name = undefined;
    if (slot.lease?.spec?.holderIdentity === this.#options.identity) await this.#write(slot, signal, '');
  }

  /** Whether nothing is anchored there that this chain, or the one before it in this process, does not know of. */
  #isOwn(slot: Slot): boolean {
    if (slot.lease?.metadata.annotations?.[AUDIT_ANCHOR_ANNOTATION] === undefined) return true;
    const there = anchoredIn(slot.lease);
    if (!there) return false;
    const { chain, seq, mac } = this.#after ?? {};
    return this.#chains.has(there.chain) || (there.chain === chain && there.seq === seq && there.mac === mac);
  }

  async #claim(mayTake: (slot: Slot) => boolean, signal?: AbortSignal): Promise<Slot> {
    const { prefix, count, identity, clock } = this.#options;
    this.#name = undefined;
    const names = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    const all = await Promise.all(names.map(async (name) => this.#look(name, signal)));
    const slots = all.filter(mayTake);
    // Its own first: a replica that comes back goes on where it was.
    const own = (slot: Slot) => slot.lease?.spec?.holderIdentity === identity;
    const now = clock.wall().getTime();
    for (const slot of [...slots.filter(own), ...slots.filter((one) => !own(one) && isFree(one, now))]) {
      try {
        await this.#write(slot, signal);
      } catch (error) {
        if (error instanceof KubeError && ['Conflict', 'AlreadyExists', 'NotFound'].includes(error.code))
          continue;
        throw error;
      }
      this.#name = slot.name;
      this.#problem = undefined;
      return slot;
    }
    this.#problem = `all ${count} Leases ${prefix}* are held by other replicas, or have the end of another chain`;
    throw new AuditError('NoFreeAnchor', this.#problem);
  }

  async #look(name: string, signal?: AbortSignal): Promise<Slot> {
    const { client, namespace } = this.#options;
    return { name, lease: await client.get<Lease>(LEASES, { namespace, name }, { signal }).catch(absent) };
  }

  /** With the version that was read: of two replicas one loses. */
  async #write({ name, lease: present }: Slot, signal?: AbortSignal, holder?: string): Promise<void> {
    const { client, clock, namespace, identity } = this.#options;
    const place = { namespace, name };
    const to = { present, place, tail: this.#tail, holder: holder ?? identity, at: clock.wall() };
    await writeAnchor(client, to, signal);
  }
}

function isFree({ lease }: Slot, now: number): boolean {
  const { holderIdentity, renewTime } = lease?.spec ?? {};
  if (!holderIdentity) return true;
  const renewed = Date.parse(renewTime ?? '');
  return !(now - renewed < GONE_MS);
}
