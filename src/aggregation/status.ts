import type { OpenAnswer } from '../serve/open.ts';
import type { StatusError } from './errors.ts';

/** When nobody says better, after so long a client may try again. */
const RETRY_AFTER_SECONDS = 1;

/** An error as a metav1.Status. `group` is that of the kinds that are served. */
export function failure(error: StatusError, group: string): OpenAnswer {
  const { status, code, message, details } = error;
  const {
    name,
    kind,
    causes,
    retryAfterSeconds = isTransient(status) ? RETRY_AFTER_SECONDS : undefined,
  } = details;
  const about = {
    ...(name !== undefined && { name }),
    ...(kind !== undefined && { group, kind }),
    ...(causes && {
      causes: causes.map(({ field, reason, message: text }) => ({ reason, message: text, field })),
    }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
  return {
    status,
    body: {
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: code },
      ...(Object.keys(about).length > 0 && { details: about }),
      code: status,
    },
    headers: {
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
      // Whoever came with the wrong certificate may have a better one by now.
      ...(status === 401 && { Connection: 'close' }),
    },
  };
}

function isTransient(status: number): boolean {
  return status === 429 || status === 503 || status === 504;
}

/** What a deletion is answered with. */
export function deleted(group: string, plural: string, name: string): object {
  const details = { name, group, kind: plural };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

const MAX_WARNING_BYTES = 256;
const MAX_WARNINGS_BYTES = 4096;

/** Warning headers, which kubectl shows to people. As kube-apiserver does, so many bytes at most. */
export function warningHeaders(warnings: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const headers: string[] = [];
  let bytes = 0;
  for (const warning of new Set(warnings)) {
    const text = Buffer.from(warning.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')).subarray(
      0,
      MAX_WARNING_BYTES,
    );
    bytes += text.length;
    if (bytes > MAX_WARNINGS_BYTES) break;
    // A character that was cut in two is left out. Node writes headers as Latin-1: byte for byte that is UTF-8.
    const whole = new TextDecoder().decode(text).replace(/\ufffd$/, '');
    const quoted = whole.replaceAll(/["\\]/g, String.raw`\$&`);
    headers.push(`299 - "${Buffer.from(quoted).toString('latin1')}"`);
  }
  return headers.length > 0 ? { Warning: headers } : {};
}
