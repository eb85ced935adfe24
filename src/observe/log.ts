import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type DestinationStream, type Logger as Pino } from 'pino';
import { safeFields, safeText } from './safe.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/**
 * One JSON line for each call. Whatever is in `fields` goes through safe.ts; an error belongs into the field
 * `err`. `message` is a fixed text of ours: what varies belongs into the fields.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds these fields to each line. */
  child(fields: object): Logger;
}

/** The one that all others are children of. */
export interface RootLogger extends Logger {
  /** What is written from now on, by all children too. */
  level: LogLevel;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Standard output by default. */
  readonly stream?: DestinationStream;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const within = new AsyncLocalStorage<object>();

/**
 * Does the work so that every line of it bears these fields, whoever writes it: so the lines of one pass are found
 * again. What it sets off and does not wait for bears them, too.
 */
export function withFields<T>(fields: object, work: () => T): T {
  return within.run({ ...within.getStore(), ...safeFields(fields) }, work);
}

/** The only way to log: nobody else holds pino itself, so nothing gets round the redaction. */
export function logger({ level, stream }: LoggerOptions): RootLogger {
  const options = {
    // Which lines are written is decided here: a level of pino's would not reach the children that there are.
    level: 'debug',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // The fields are plain by now; pino's own serializer for `err` would only look for what is gone.
    serializers: { err: (err: unknown) => err },
  };
  const root = { level };
  // Synchronous: the last line before an exit is the one that matters.
  const inner = pino(options, stream ?? pino.destination({ fd: 1, sync: true }));
  return Object.assign(root, wrap(inner, root));
}

function wrap(inner: Pino, root: { readonly level: LogLevel }): Logger {
  const at = (level: LogLevel) => (fields: object, message: string) => {
    // Copying the fields for a line that nobody will see would cost more than all the others.
    if (RANK[level] < RANK[root.level]) return;
    inner[level]({ ...within.getStore(), ...safeFields(fields) }, safeText(message));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(inner.child(safeFields(fields)), root),
  };
}
