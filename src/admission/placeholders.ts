import { PLACEHOLDER_VARIABLE_PREFIX } from '../api/names.ts';
import { keepIfSame, withField, type Container, type EnvVar } from './pod-shape.ts';

/**
 * The legacy `${secrets.KEY}` in an env value. `$${secrets.x}`, `${secrets.}` and `${other.x}` are plain text.
 * A value that is exactly one placeholder becomes a secretKeyRef; inside a longer value it becomes
 * `$(FAIRLEAD_SECRET_KEY)`, which the kubelet fills from a feeder entry that stands before it.
 */
const KEY = '[-._a-zA-Z0-9]+';
const PLACEHOLDER = `(?<!\\$)\\$\\{secrets\\.(${KEY})\\}`;
const REFERENCE = `(?<!\\$)\\$\\(${PLACEHOLDER_VARIABLE_PREFIX}(${KEY})\\)`;
const anywhere = new RegExp(PLACEHOLDER);
const whole = new RegExp(`^${PLACEHOLDER}$`);
const tokens = new RegExp(`\\$\\$|\\$\\(|\\)|${PLACEHOLDER}`, 'g');
/** Also behind `$$`, which is one `$` to the kubelet. */
const reference = new RegExp(`\\$\\((?<=(?<!\\$)(?:\\$\\$)*\\$\\()${PLACEHOLDER_VARIABLE_PREFIX}${KEY}\\)`);
const references = new RegExp(REFERENCE, 'g');
const keyOnly = new RegExp(`^${KEY}$`);

/** A Secret's key and an environment variable's name: what Kubernetes allows for the shorter of the two. */
const MAX_NAME = 253;
const MAX_KEY = MAX_NAME - PLACEHOLDER_VARIABLE_PREFIX.length;

export const placeholderText = (key: string) => `\${secrets.${key}}`;

/** The KEY of a variable FAIRLEAD_SECRET_<KEY> that admission could have written; otherwise undefined. */
export function keyOfVariable(variable: string): string | undefined {
  if (!variable.startsWith(PLACEHOLDER_VARIABLE_PREFIX) || variable.length > MAX_NAME) return undefined;
  const key = variable.slice(PLACEHOLDER_VARIABLE_PREFIX.length);
  return keyOnly.test(key) ? key : undefined;
}

export function hasPlaceholder(container: Container): boolean {
  return (container.env ?? []).some(
    (entry) => literal(entry) !== undefined && anywhere.test(literal(entry)!),
  );
}

export function hasPlaceholderText(text: string): boolean {
  return anywhere.test(text);
}

/** The text in pieces: what stands there as it is, and the keys of its placeholders. */
export function piecesOf(text: string): readonly (string | { readonly key: string })[] {
  return text.split(anywhere).flatMap((piece, i) => (i % 2 === 1 ? { key: piece } : piece || []));
}

/** Turns `$(FAIRLEAD_SECRET_<key>)` back into placeholders, for the keys that had a feeder in the container. */
export function restoreReferences(value: string, keys: ReadonlySet<string>): string {
  return value.replaceAll(references, (match, key: string) => (keys.has(key) ? placeholderText(key) : match));
}

export type Rewritten =
  { readonly ok: true; readonly container: Container } | { readonly ok: false; readonly message: string };

/**
 * Rewrites the placeholders of a container so that the kubelet fills them from the delivery. The container must
 * have been stripped. Not ok, with a message for the user, if a key is too long or a reserved name is in the way.
 */
export function rewritePlaceholders(container: Container, delivery: string): Rewritten {
  if (!container.env || !hasPlaceholder(container)) return { ok: true, container };
  const mistake = findMistake(container);
  if (mistake !== undefined) return { ok: false, message: mistake };

  const fed = new Set<string>();
  const env = container.env.flatMap((entry): EnvVar[] => {
    const value = literal(entry);
    if (value === undefined || !anywhere.test(value)) return [entry];
    const single = whole.exec(value)?.[1];
    if (single !== undefined) return [fromDelivery(entry, delivery, single)];
    const rewritten = embed(value);
    const feeders = rewritten.keys
      .filter((key) => !fed.has(key))
      .map((key) => fromDelivery({ name: PLACEHOLDER_VARIABLE_PREFIX + key }, delivery, key));
    for (const key of rewritten.keys) fed.add(key);
    return [...feeders, withField(entry, 'value', rewritten.value)];
  });
  return { ok: true, container: withField(container, 'env', keepIfSame(container.env, env)) };
}

/**
 * Replaces the placeholders of a longer value by `$(<variable>)`. The kubelet reads `$(` up to the next `)` as one
 * reference, so an unfinished `$(` in front of a placeholder, as in `$(cat ${secrets.file})`, would swallow ours: it is
 * escaped as `$$(`, which the kubelet turns back into the text that stood there.
 */
export function embedReferences(value: string, variableOf: (key: string) => string): string {
  const parts: string[] = [];
  let open: number[] = [];
  let end = 0;
  for (const match of value.matchAll(tokens)) {
    parts.push(value.slice(end, match.index));
    end = match.index + match[0].length;
    const key = match[1];
    if (match[0] === '$(') open.push(parts.length);
    else if (match[0] === ')') open = [];
    else if (key !== undefined) {
      for (const index of open) parts[index] = '$$(';
      open = [];
    }
    parts.push(key === undefined ? match[0] : `$(${variableOf(key)})`);
  }
  parts.push(value.slice(end));
  return parts.join('');
}

function embed(value: string): { value: string; keys: readonly string[] } {
  const keys = new Set<string>();
  const embedded = embedReferences(value, (key) => {
    keys.add(key);
    return PLACEHOLDER_VARIABLE_PREFIX + key;
  });
  return { value: embedded, keys: [...keys] };
}

function findMistake(container: Container): string | undefined {
  for (const entry of container.env ?? []) {
    if (entry.name.startsWith(PLACEHOLDER_VARIABLE_PREFIX)) {
      return `has a variable whose name starts with ${PLACEHOLDER_VARIABLE_PREFIX}, which is reserved beside \${secrets.<key>}: rename it`;
    }
    const value = literal(entry) ?? '';
    if (reference.test(value)) {
      return `uses $(${PLACEHOLDER_VARIABLE_PREFIX}<key>), which is reserved: write \${secrets.<key>}`;
    }
    for (const match of value.matchAll(tokens)) {
      if ((match[1]?.length ?? 0) > MAX_KEY)
        return `has a placeholder \${secrets.<key>} whose key is longer than ${MAX_KEY} characters`;
    }
  }
  return undefined;
}

function fromDelivery(entry: EnvVar, delivery: string, key: string): EnvVar {
  const secretKeyRef = { name: delivery, key: PLACEHOLDER_VARIABLE_PREFIX + key };
  return { ...withField(entry, 'value', undefined), valueFrom: { secretKeyRef } };
}

/** An entry with both value and valueFrom is invalid; the API server says so after admission. */
function literal(entry: EnvVar): string | undefined {
  return entry.valueFrom ? undefined : (entry.value ?? undefined);
}
