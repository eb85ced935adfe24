export type AuditErrorCode =
  'Unwritable' | 'Hangs' | 'NotRotated' | 'KeyMissing' | 'KeyInvalid' | 'AnchorUnreadable' | 'NoFreeAnchor';

/** Why the audit cannot be written. The message is a text of ours, of causes only the code. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
