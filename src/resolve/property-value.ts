import type { PropertyKind } from '../api/spark-property.ts';
import type { Finding } from './problem.ts';
import type { FieldValue } from './state.ts';
import { fit, fitsTogether, tooLong, type Fitted } from './value.ts';

/** A piece of the value of a Spark property: what a secret says, or what people wrote around it. */
export interface Piece {
  readonly value: FieldValue;
  readonly isSecret: boolean;
}

/**
 * The pieces of a Spark property put together as the bytes of its value, or why it would not arrive as it is. Hadoop
 * and Spark expand `${...}` in values, in what they have put in for another one, too: of what people write that is
 * meant, of a secret it never is. There is no escape for it, so such a secret is refused.
 */
export function fitProperty(property: string, kind: PropertyKind, pieces: readonly Piece[]): Fitted {
  // Before anything is copied: a thousand pieces may name one long value.
  if (!fitsTogether(pieces)) return tooLong;
  const texts: string[] = [];
  for (const { value } of pieces) {
    const fitted = fit(property, value);
    if (!fitted.ok) return fitted;
    texts.push(fitted.bytes.toString());
  }
  const whole = texts.join('');
  const problem = expansionProblem(whole, ranges(texts, pieces)) ?? (kind === 'plain' && lossProblem(whole));
  return problem ? { ok: false, problem } : fit(property, whole);
}

/** Of a property that no secret may become. */
export const NOT_A_PROPERTY: Finding = {
  reason: 'NotSupportedHere',
  message: 'is no Spark property that a secret may become',
};

type Range = readonly [start: number, end: number];

/** Where the secrets stand in the whole. */
function ranges(texts: readonly string[], pieces: readonly Piece[]): Range[] {
  let end = 0;
  return texts.flatMap((text, i): Range[] => {
    const start = end;
    end += text.length;
    return pieces[i]?.isSecret ? [[start, end]] : [];
  });
}

/**
 * A `${`, at least one character, and a `}` before the next space: all that Hadoop (`\$\{[^}$ ]+\}`) or Spark
 * (`\$\{(\w+?:)?\S+?\}`) takes for a variable, if any of it comes from a secret. Each look ahead goes on where the one
 * before has ended, so that a value of nothing but `${` is read once.
 */
function expansionProblem(whole: string, secrets: readonly Range[]): Finding | undefined {
  let [close, space, secret] = [-1, -1, 0];
  for (let start = whole.indexOf('${'); start !== -1; start = whole.indexOf('${', start + 2)) {
    if (close < start + 3) close = whole.indexOf('}', start + 3);
    if (close === -1) return undefined;
    if (space < start) space = indexOrEnd(whole, ' ', start);
    while (secret < secrets.length && (secrets[secret]?.[1] ?? 0) <= start) secret++;
    if (space > close && (secrets[secret]?.[0] ?? Infinity) <= close) return EXPANDED;
  }
  return undefined;
}

function indexOrEnd(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? text.length : at;
}

const EXPANDED: Finding = {
  reason: 'NotAConfigurationValue',
  message: 'the value has a ${...} in it, which Hadoop and Spark would replace by something else',
};

/** What the way through spark-class and the launcher loses: carriage returns, and characters of two UTF-16 units. */
function lossProblem(whole: string): Finding | undefined {
  if (!/[\r\u{10000}-\u{10FFFF}]/u.test(whole)) return undefined;
  return {
    reason: 'NotAConfigurationValue',
    message:
      'the value has a carriage return or a character beyond U+FFFF in it, which the launcher of Spark alters',
  };
}
