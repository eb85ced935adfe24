import { answerError, codeOf, KubeError, type Status } from './errors.ts';
import type { KubeObject } from './objects.ts';

/** One line of a watch. An ERROR line becomes a KubeError instead. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
}

const NEWLINE = 0x0a;
/** etcd holds at most 1.5 MiB for one object; JSON may be larger than that by some. */
const MAX_LINE = 64 * 1_048_576;

/**
 * The events of a watch, in order, each list holding those that one chunk completed. Lines are cut as bytes: the
 * newline's byte occurs in no multi-byte character, so a chunk may end anywhere. Rejects with a KubeError for an
 * ERROR event (its code is that of the Status, 410 Gone above all), for a line that is no event, and for what
 * `chunks` rejects with.
 */
export async function* watchEvents(
  chunks: AsyncIterable<Buffer>,
  call: string,
): AsyncGenerator<readonly WatchEvent[], void> {
  let rest: Buffer[] = [];
  let restSize = 0;
  for await (const chunk of chunks) {
    const events: WatchEvent[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const tail = chunk.subarray(start, end);
      const line = restSize === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      restSize = 0;
      start = end + 1;
      if (line.length === 0) continue;
      let event: WatchEvent;
      try {
        event = parseEvent(line.toString(), call);
      } catch (error) {
        // What came before the ERROR is true all the same.
        if (events.length > 0) yield events;
        throw error;
      }
      events.push(event);
    }
    if (start < chunk.length) {
      rest.push(start === 0 ? chunk : chunk.subarray(start));
      restSize += chunk.length - start;
      if (restSize > MAX_LINE) throw badLine(call, 'a line is too long');
    }
    if (events.length > 0) yield events;
  }
}

function parseEvent(line: string, call: string): WatchEvent {
  let parsed: { readonly type?: unknown; readonly object?: unknown };
  try {
    parsed = JSON.parse(line) as typeof parsed;
  } catch (error) {
    throw badLine(call, 'a line is not JSON', codeOf(error));
  }
  const { type, object } = parsed;
  if (type === 'ERROR') {
    const status = (object ?? {}) as Status;
    throw answerError(call, typeof status.code === 'number' ? status.code : 500, {
      ...status,
      kind: 'Status',
    });
  }
  const known = type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK';
  const { metadata } = (object ?? {}) as Partial<KubeObject>;
  if (!known || typeof metadata !== 'object') throw badLine(call, 'a line is not a watch event');
  return { type, object: object as KubeObject };
}

function badLine(call: string, why: string, cause?: string): KubeError {
  return new KubeError({ code: 'BadResponse', message: `${call}: ${why}`, cause });
}
