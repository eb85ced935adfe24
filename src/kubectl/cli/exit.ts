/** What the plugin ends with. `audit verify` has its own, see there. */
export const EXIT = {
  /** All is well, or what was asked for was done. */
  ok: 0,
  /** It waits, failed, is not there, or something was found. */
  notOk: 1,
  /** It was called in a wrong way, or a file cannot be read. */
  usage: 2,
  /** No answer, no login, or not allowed: nothing can be said about the thing itself. */
  cannotTell: 3,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for people; the message holds no values. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly code: 'Usage' | 'NotOk' | 'CannotTell';

  constructor(code: PluginError['code'], message: string) {
    super(message);
    this.code = code;
  }

  get exit(): ExitCode {
    return { Usage: EXIT.usage, NotOk: EXIT.notOk, CannotTell: EXIT.cannotTell }[this.code];
  }
}

export function usageError(message: string): PluginError {
  return new PluginError('Usage', message);
}
