/** Fields whose content never is logged, at any depth, however they are written: `secret_id`, `secretId`. */
const HIDDEN = new Set(
  [
    'token tokens clienttoken bearertoken vaulttoken xvaulttoken accesstoken jwt',
    'secretid roleid password passphrase credential credentials apikey privatekey',
    'authorization cookie headers body data stringdata value values env',
  ].flatMap((line) => line.split(' ')),
);

/** Our own errors: their messages are written to hold no values. Everybody else's may quote their input. */
const OUR_ERRORS = new Set([
  'KubeError',
  'VaultError',
  'ConfigError',
  'CertificateError',
  'AuditError',
  'PassTimeout',
  'StatusError',
]);

/** A second net under the names of fields: what looks like a token is none of a log's business. */
const TOKENS = [
  /\bhv[sbr]\.[\w-]{8,}/g,
  /\b[sbr]\.[A-Za-z0-9]{20,}/g,
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g,
  /\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g,
];

const MAX_TEXT = 2048;
const MAX_ITEMS = 50;
const MAX_DEPTH = 6;
const MAX_FRAMES = 12;

/**
 * A copy that is safe to log: only plain objects, lists, texts, numbers, booleans and dates come through; fields
 * with telling names are left out; errors lose their messages unless they are ours; everything has a limit.
 */
export function safe(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return safeText(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? null : safeObject(value, depth);
    default:
      return `[${typeof value}]`;
  }
}

function safeObject(value: object, depth: number): unknown {
  if (value instanceof Error) return safeError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL) return value.origin;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => safe(item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `[${value.length - MAX_ITEMS} more]`] : items;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // A Buffer, a Map, a response, a socket: whatever it holds, nobody meant to log all of it.
  if (prototype !== Object.prototype && prototype !== null) return `[${classOf(value)}]`;
  return safeFields(value, depth);
}

/** The fields of a plain object, without those whose names are telling. */
export function safeFields(fields: object, depth = 0): Record<string, unknown> {
  const kept = Object.entries(fields)
    .filter(([name]) => !HIDDEN.has(name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')))
    .slice(0, MAX_ITEMS)
    .map(([name, value]) => [name, safe(value, depth + 1)] as const);
  return Object.fromEntries(kept);
}

/** Name, code and status; the message only of our own errors; of the stack only where, not what. */
export function safeError(error: Error, depth = 0): Record<string, unknown> {
  const { code, status, cause } = error as Error & { code?: unknown; status?: unknown };
  const name = word(error.name) ?? 'Error';
  return {
    name,
    ...(word(code) !== undefined && { code }),
    ...(typeof status === 'number' && { status }),
    ...(OUR_ERRORS.has(name) && { message: safeText(error.message) }),
    ...(!OUR_ERRORS.has(name) && { stack: frames(error) }),
    ...(typeof cause === 'string' && word(cause) !== undefined && { cause }),
    ...(cause instanceof Error && depth < MAX_DEPTH && { cause: safeError(cause, depth + 1) }),
  };
}

/** Text without what looks like a token, cut to a bearable length. */
export function safeText(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return TOKENS.reduce((clean, pattern) => clean.replaceAll(pattern, '[redacted]'), short);
}

/**
 * The places `file:line:column`. A stack begins with the message, so the message is cut off first; if it cannot be
 * found there, nothing of the stack is shown. Names of functions are left out: V8 makes them from keys of objects.
 */
function frames({ stack, message }: Error): readonly string[] {
  if (stack === undefined || !stack.includes(message)) return [];
  return stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .flatMap((line) => /^ {4}at (?:.* \()?([^\s()]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? [])
    .slice(0, MAX_FRAMES);
}

function classOf(value: object): string {
  return word((value.constructor as { name?: unknown } | undefined)?.name) ?? 'object';
}

function word(text: unknown): string | undefined {
  return typeof text === 'string' && /^[A-Za-z]\w{0,63}$/.test(text) ? text : undefined;
}
