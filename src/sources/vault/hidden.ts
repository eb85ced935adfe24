import { createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';

/** A fresh key in each process: a fingerprint tells nothing to whoever reads it in a log or a dump. */
const FINGERPRINT_KEY = randomBytes(32);

/** A credential that shows in no log line, error, JSON or debugger print: only reveal() gives it away. */
export class Hidden {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[hidden]';
  }

  toJSON(): string {
    return '[hidden]';
  }

  [inspect.custom](): string {
    return '[hidden]';
  }
}

/** One name for a list of parts, the same within this process only. Parts cannot run into each other. */
export function fingerprint(parts: readonly (string | Hidden | undefined)[]): string {
  const plain = parts.map((part) => (part instanceof Hidden ? part.reveal() : (part ?? null)));
  return createHmac('sha256', FINGERPRINT_KEY).update(JSON.stringify(plain)).digest('base64url').slice(0, 32);
}
