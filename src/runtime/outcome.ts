/**
 * How a pass ended. settle.ts says what each means for the queue.
 *  done     as it should be; looked at again after `afterMs`, if given
 *  waiting  something is missing that may come by itself; tried again after `afterMs`, else with backoff
 *  stalled  only a change of the object helps: not tried again
 *  later    not this pass (capacity, somebody else asks already): no failure, nothing to report
 */
export type Outcome =
  | { readonly kind: 'done'; readonly reason: string; readonly message: string; readonly afterMs?: number }
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string; readonly afterMs?: number }
  | { readonly kind: 'stalled'; readonly reason: string; readonly message: string }
  | { readonly kind: 'later'; readonly afterMs: number };

/** The outcomes that say something about the object. */
export type Told = Extract<Outcome, { readonly reason: string }>;

export function done(reason = '', message = '', afterMs?: number): Extract<Outcome, { kind: 'done' }> {
  return { kind: 'done', reason, message, ...(afterMs !== undefined && { afterMs }) };
}

export function waiting(
  reason: string,
  message: string,
  afterMs?: number,
): Extract<Outcome, { kind: 'waiting' }> {
  return { kind: 'waiting', reason, message, ...(afterMs !== undefined && { afterMs }) };
}

export function stalled(reason: string, message: string): Extract<Outcome, { kind: 'stalled' }> {
  return { kind: 'stalled', reason, message };
}

export function later(afterMs: number): Extract<Outcome, { kind: 'later' }> {
  return { kind: 'later', afterMs };
}
