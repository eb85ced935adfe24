import { codeOf } from '../kube/errors.ts';
import { safeText } from '../observe/safe.ts';
import type { Cancel } from '../runtime/clock.ts';
import { aborted } from './aborted.ts';
import { Anchoring, type Anchor } from './anchor.ts';
import { AuditError } from './errors.ts';
import { LeftOutCounts, RefusalLimit, type LeftOut } from './limit.ts';
import { housekeeping, recordBody, type AuditRecord, type Body, type LeftOutWhy } from './record.ts';
import { ChainWriter, type ChainWriterOptions } from './writer.ts';

/** Where metrics hang in. */
export interface AuditHooks {
  readonly onRecord?: (action: string, outcome: string) => void;
  readonly onError?: (during: 'write' | 'anchor', code: string) => void;
  readonly onLeftOut?: (why: LeftOutWhy) => void;
}

export interface AuditLogOptions extends ChainWriterOptions, AuditHooks {
  readonly anchor: Anchor;
  /** Go on without what cannot be written. */
  readonly bestEffort: boolean;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

interface Entry {
  readonly record: AuditRecord;
  readonly body: Body;
}

interface Waiting {
  readonly entries: readonly Entry[];
  /** Once it is aborted nobody does what is written here any more. */
  readonly signal?: AbortSignal | undefined;
  readonly end: (fault: AuditError | undefined) => void;
}

const PROBE_MS = 1_000;
/** A write that takes longer hangs. */
const HANGS_MS = 5_000;
const LEFT_OUT_MS = 60_000;
const GROUP = 256;
/** Of what was done and could not be written: more than there can be passes under way. */
const MAX_KEPT = 1_000;

/**
 * The audit of this process. What comes while a write is under way goes together with the next one, so a thousand
 * deliveries cost a few dozen writes. One chain, until stop().
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #writer: ChainWriter;
  readonly #anchoring: Anchoring;
  readonly #limit = new RefusalLimit();
  readonly #leftOut = new LeftOutCounts();
  readonly #queue: Waiting[] = [];
  #kept: readonly Entry[] = [];
  #pumping = false;
  /** A write is under way for too long: until it returns, everything that comes is answered at once. */
  #hangs = false;
  #fault: AuditError | undefined;
  #probe: Cancel | undefined;
  #telling: Cancel | undefined;
  /** The next write says how many were left out. */
  #tells = false;
  #ending = false;
  readonly #callbacks = new Set<() => void>();

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#writer = new ChainWriter(options);
    const onError = (code: string) => {
      options.onError?.('anchor', code);
      options.log.warn({ code }, 'the end of the audit could not be anchored in the cluster; tried again');
    };
    this.#anchoring = new Anchoring({ ...options, onError });
  }

  /** Begins the chain at once, so that what is wrong with its file is known before the first delivery. */
  start(): void {
    void this.#put([]);
  }

  /** Why nothing may be delivered now. */
  problem(): string | undefined {
    return this.#options.bestEffort ? undefined : this.fault();
  }

  /** Why it cannot be written now. */
  fault(): string | undefined {
    return this.#fault?.message;
  }

  /** Calls back when the answer of problem() has changed; what it returns unsubscribes. */
  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /**
   * What is about to be done. Resolves when it is in the file, and rejects with AuditError if it is not, or with the
   * signal's reason: then it must not be done. With `bestEffort` a failure resolves, too.
   */
  async intend(records: readonly AuditRecord[], signal: AbortSignal): Promise<void> {
    const fault = await Promise.race([this.#put(this.#stamp(records), signal), aborted(signal)]);
    signal.throwIfAborted();
    if (!fault) return;
    if (!this.#options.bestEffort) throw fault;
    for (const record of records) this.#leaveOut(record, 'unwritable');
  }

  /** What was done. Never rejects: what cannot be written now is kept, and written first when it can. */
  async conclude(record: AuditRecord, signal: AbortSignal): Promise<void> {
    await Promise.race([this.#conclude(record), aborted(signal)]);
  }

  /** A decision after which nothing is handed out: so many of each namespace, and never rejects. */
  async note(record: AuditRecord, signal: AbortSignal): Promise<void> {
    await Promise.race([this.#note(record), aborted(signal)]);
  }

  /** Writes what is left, the end of the chain, and anchors it. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#ending = true;
    await Promise.race([this.#put([]), aborted(signal)]);
    this.#probe?.();
    this.#telling?.();
    await this.#anchoring.stop(signal);
    await Promise.race([this.#options.sink.close(), aborted(signal)]);
  }

  async #conclude(record: AuditRecord): Promise<void> {
    const entries = this.#stamp([record]);
    if (!(await this.#put(entries))) return;
    if (this.#kept.length < MAX_KEPT) this.#kept = [...this.#kept, ...entries];
    else this.#leaveOut(record, 'unwritable');
  }

  async #note(record: AuditRecord): Promise<void> {
    const { namespace } = record;
    if (!this.#limit.admit(namespace, this.#options.clock.now())) this.#leaveOut(record, 'limited');
    else if (await this.#put(this.#stamp([record]))) this.#leaveOut(record, 'unwritable');
  }

  #stamp(records: readonly AuditRecord[]): readonly Entry[] {
    const now = this.#options.clock.wall();
    return records.map((record) => {
      const { message } = record;
      const safe = message === undefined ? record : { ...record, message: safeText(message) };
      return { record, body: recordBody(safe, now) };
    });
  }

  async #put(entries: readonly Entry[], signal?: AbortSignal): Promise<AuditError | undefined> {
    if (this.#hangs) return this.#fault;
    const { promise, resolve: end } = Promise.withResolvers<AuditError | undefined>();
    this.#queue.push({ entries, signal, end });
    if (!this.#pumping) void this.#pump();
    return promise;
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    for (;;) {
      const next = this.#queue.splice(0, GROUP);
      if (next.length === 0) break;
      const group = next.filter(({ signal }) => !signal?.aborted);
      if (group.length === 0) continue;
      const broken = this.#fault !== undefined;
      const leftOut = broken || this.#tells || this.#ending ? this.#leftOut.all() : [];
      const checkpoint = this.#ending ? 'stop' : broken ? 'recovered' : undefined;
      const entries = group.flatMap((one) => one.entries);
      const fault = await this.#watched(group, this.#write(entries, leftOut, checkpoint));
      for (const { end } of group) end(fault);
    }
    this.#pumping = false;
  }

  /** The same write; while it hangs, that is the fault, and nobody waits for it. */
  async #watched(
    group: readonly Waiting[],
    write: Promise<AuditError | undefined>,
  ): Promise<AuditError | undefined> {
    const cancel = this.#options.clock.setTimeout(() => {
      const fault = new AuditError('Hangs', `a write of it takes longer than ${HANGS_MS / 1_000} seconds`);
      this.#settle(fault);
      this.#hangs = true;
      for (const { end } of [...group, ...this.#queue.splice(0)]) end(fault);
    }, HANGS_MS);
    const fault = await write;
    cancel();
    if (!this.#hangs) {
      this.#settle(fault);
      return fault;
    }
    this.#hangs = false;
    // What was answered and counted meanwhile is told by another write, and only that one says that all is well.
    if (fault) this.#settle(fault);
    else void this.#put([]);
    return fault;
  }

  /** One write, with what was kept from before; resolves to why it failed. */
  async #write(
    entries: readonly Entry[],
    leftOut: readonly LeftOut[],
    checkpoint?: 'recovered' | 'stop',
  ): Promise<AuditError | undefined> {
    const now = this.#options.clock.wall();
    const kept = this.#kept;
    const all = [...kept, ...entries];
    const counts = leftOut.map((one) => housekeeping({ action: 'left-out', ...one }, now));
    const bodies = [...kept.map(({ body }) => body), ...counts, ...entries.map(({ body }) => body)];
    const fault = await this.#writer.append(bodies, checkpoint).then(() => undefined, asAuditError);
    const { tail } = this.#writer;
    if (tail) this.#anchoring.moved(tail);
    if (fault) return fault;
    // Of a write that hung what was kept meanwhile may have come with it.
    const written = new Set(all);
    this.#kept = this.#kept.filter((one) => !written.has(one));
    this.#leftOut.told(leftOut);
    this.#tells &&= leftOut.length === 0;
    for (const { record } of all) this.#options.onRecord?.(record.action, record.outcome);
    return undefined;
  }

  #settle(fault: AuditError | undefined): void {
    const { log, clock, onError, bestEffort } = this.#options;
    const before = this.#fault;
    this.#fault = fault;
    if (fault) {
      onError?.('write', fault.code);
      this.#probe ??= clock.setTimeout(() => {
        this.#probe = undefined;
        void this.#put([]);
      }, PROBE_MS);
    }
    if (before?.message === fault?.message) return;
    if (fault) log.error({ err: fault, bestEffort }, 'the audit cannot be written');
    else log.info({}, 'the audit is written again');
    for (const callback of this.#callbacks) callback();
  }

  #leaveOut({ namespace }: AuditRecord, why: LeftOutWhy): void {
    const { clock, onLeftOut } = this.#options;
    onLeftOut?.(why);
    this.#leftOut.add(namespace, why);
    this.#telling ??= clock.setTimeout(() => {
      this.#telling = undefined;
      this.#limit.sweep(clock.now());
      this.#tells = true;
      void this.#put([]);
    }, LEFT_OUT_MS);
  }
}

function asAuditError(error: unknown): AuditError {
  if (error instanceof AuditError) return error;
  return new AuditError('Unwritable', `it cannot be written (${codeOf(error)})`);
}
