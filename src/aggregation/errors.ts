/** `reason` of a metav1.Status, and the HTTP status that belongs to it. */
export const STATUS_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;
export type StatusReason = keyof typeof STATUS_CODES;

/** One field of an object that is not as it must be; `field` as kubectl shows it: `spec.value`. */
export interface FieldCause {
  readonly field: string;
  readonly reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueTooLong';
  readonly message: string;
}

export interface StatusDetails {
  readonly name?: string | undefined;
  /** The plural of the resource. */
  readonly kind?: string | undefined;
  readonly causes?: readonly FieldCause[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** What a client is told instead of an answer. `message` is a text of ours: it quotes no part of a body or a value. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: StatusReason;
  readonly details: StatusDetails;

  constructor(reason: StatusReason, message: string, details: StatusDetails = {}) {
    super(message);
    this.code = reason;
    this.details = details;
  }

  get status(): number {
    return STATUS_CODES[this.code];
  }
}
