/** Traces of the way of a pod, off unless there is somewhere to send them to. */
export interface Tracing {
  /**
   * Does the work as a span, and whatever is told to `ended` meanwhile as its children. With a `delivery` it belongs to
   * the trace of that delivery, whose first span is the webhook's answer.
   */
  within<T>(name: string, delivery: string | undefined, fields: object, work: () => Promise<T>): Promise<T>;
  /** Something that took so long and ends now, as part of the span that it happened in; none, if it happened in none. */
  ended(name: string, ms: number, fields: object): void;
  /** The webhook's answer that made a delivery necessary: the trace begins. */
  admitted(delivery: string, ms: number, fields: object): void;
  /** Sends what is left, within 2 seconds. Never rejects. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  /** Where OTLP over HTTP is taken, like `http://collector:4318/v1/traces`; absent: no traces. */
  readonly endpoint: string | undefined;
  /** Which part of all deliveries is traced, 0 to 1; the same ones in every process. */
  readonly ratio: number;
  readonly role: string;
  readonly instance: string;
  readonly log: { warn(fields: object, message: string): void };
}
