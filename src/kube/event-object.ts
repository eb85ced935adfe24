import { cut } from './errors.ts';

/** The object that an event is about. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
}

export interface EventRecord {
  readonly regarding: Regarding;
  readonly related?: Regarding | undefined;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, why it happened. */
  readonly reason: string;
  /** What was being done. */
  readonly action: string;
  /** For people; cut at 1 KiB. */
  readonly message: string;
}

/** What happened more than once. */
export interface Series {
  readonly count: number;
  readonly lastObservedTime: string;
}

const MAX_NOTE = 1024;
const MAX_WORD = 128;
const MAX_NAME = 253;

/** Records that are equal in all of this are the same event again. */
export function sameness({ regarding, related, type, reason, action, message }: EventRecord): string {
  const { uid, kind, namespace, name } = regarding;
  return JSON.stringify([kind, namespace, name, uid, related?.uid, type, reason, action, message]);
}

/** An events.k8s.io/v1 Event. `suffix` makes the name unique. */
export function eventObject(
  record: EventRecord,
  reporter: { readonly controller: string; readonly instance: string },
  at: Date,
  suffix: string,
) {
  const { regarding, related, type, reason, action, message } = record;
  // Cut so that what is left ends as a DNS name must.
  const stem = regarding.name.slice(0, MAX_NAME - suffix.length - 1).replace(/[-.]+$/, '');
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    // What has no namespace has its events in `default`.
    metadata: { name: `${stem}.${suffix}`, namespace: regarding.namespace || 'default' },
    eventTime: microTime(at),
    reportingController: reporter.controller,
    reportingInstance: cut(reporter.instance, MAX_WORD),
    action: cut(action, MAX_WORD),
    reason: cut(reason, MAX_WORD),
    type,
    note: cut(message, MAX_NOTE),
    regarding,
    ...(related && { related }),
  };
}

/** metav1.MicroTime. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
