import { answerError, codeOf, KubeError } from './errors.ts';
import type { WholeAnswer } from './send.ts';

/**
 * What a whole answer says; undefined if it is empty. Throws KubeError for one that is no success, or no JSON. `call`
 * names the request: `PATCH pods team-a/x`.
 */
export function said(call: string, { status, body, retryAfter }: WholeAnswer): unknown {
  const parsed = parse(call, status, body);
  if (status >= 200 && status < 300) return parsed;
  throw answerError(call, status, parsed, retryAfter);
}

function parse(call: string, status: number, body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    // A refusal in plain text, such as a proxy's, is told by its status. V8's message quotes the input.
    if (status >= 300) return undefined;
    throw new KubeError({
      code: 'BadResponse',
      message: `${call}: the answer is not JSON`,
      status,
      cause: codeOf(error),
    });
  }
}
