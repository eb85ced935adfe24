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

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Standard output by default. */
  readonly stream?: DestinationStream;
}

/** The only way to log: nobody else holds pino itself, so nothing gets round the redaction. */
export function logger({ level, stream }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // The fields are plain by now; pino's own serializer for `err` would only look for what is gone.
    serializers: { err: (err: unknown) => err },
  };
  // Synchronous: the last line before an exit is the one that matters.
  return wrap(pino(options, stream ?? pino.destination({ fd: 1, sync: true })));
}

function wrap(inner: Pino): Logger {
  const at = (level: LogLevel) => (fields: object, message: string) => {
    // Copying the fields for a line that nobody will see would cost more than all the others.
    if (inner.isLevelEnabled(level)) inner[level](safeFields(fields), safeText(message));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(inner.child(safeFields(fields))),
  };
}
