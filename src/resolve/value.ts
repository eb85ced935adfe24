import { LIMITS } from '../api/names.ts';
import type { Problem } from './problem.ts';

type Unfit = Pick<Problem, 'reason' | 'message'>;
export type Fitted =
  { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly problem: Unfit };

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * A value as the bytes of an environment variable, unchanged, or why it cannot be one: it must be UTF-8
 * without NUL, and `NAME=value` must fit into the longest argument string that Linux passes to a program.
 */
export function fit(name: string, value: string | Uint8Array): Fitted {
  // Before it is copied: a value can be in many variables at once.
  if (value.length > LIMITS.variableBytes) return tooLong;
  if (typeof value === 'string' ? !value.isWellFormed() : !isUtf8(value)) {
    return unfit('NotAnEnvironmentValue', 'the value is not valid UTF-8 text');
  }
  const bytes = Buffer.from(value as string);
  if (bytes.includes(0)) return unfit('NotAnEnvironmentValue', 'the value contains a NUL byte');
  if (Buffer.byteLength(name) + 1 + bytes.length > LIMITS.variableBytes) {
    return tooLong;
  }
  return { ok: true, bytes };
}

/** A value that no variable can hold, whatever its name. */
export const TOO_LONG: Unfit = {
  reason: 'TooLarge',
  message: `the variable is over ${LIMITS.variableBytes} bytes with its name`,
};
export const tooLong: Fitted = { ok: false, problem: TOO_LONG };

/** Whether the pieces of a value could be one variable together; tells before any of them is copied. */
export function fitsTogether(pieces: readonly { readonly value: string | Uint8Array }[]): boolean {
  let length = 0;
  for (const { value } of pieces) length += value.length;
  return length <= LIMITS.variableBytes;
}

function unfit(reason: Unfit['reason'], message: string): Fitted {
  return { ok: false, problem: { reason, message } };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
