import { parseLine, type Tail } from '../../src/audit/chain.ts';
import { AuditLog, type AuditLogOptions } from '../../src/audit/log.ts';
import type { AuditRecord } from '../../src/audit/record.ts';
import type { Sink, Written } from '../../src/audit/sink.ts';
import { file, KEY, record } from '../../src/audit/test-support.ts';
import { verify, type Report } from '../../src/audit/verify.ts';
import { FakeClock } from './fake-clock.ts';

/** A sink in memory that fails when it is told to, after so many bytes. */
export class MemorySink implements Sink {
  text = '';
  fails: { readonly code: string; readonly after: number; readonly unsynced?: true } | undefined;
  writes = 0;
  rotations = 0;
  isFull = false;
  readonly parts: readonly string[] = [];
  readonly keeps = 1;
  gate: Promise<void> = Promise.resolve();

  async write(lines: Buffer): Promise<Written> {
    this.writes += 1;
    await this.gate;
    const bytes = this.fails ? Math.min(this.fails.after, lines.length) : lines.length;
    if (this.text !== '' && !this.text.endsWith('\n')) this.text += '\n';
    this.text += lines.subarray(0, bytes).toString();
    if (!this.fails) return { bytes };
    const { code, unsynced } = this.fails;
    return { bytes, code, ...(unsynced && { unsynced }) };
  }
  async rotate(): Promise<void> {
    this.rotations += 1;
    this.isFull = false;
  }
  async close(): Promise<void> {}

  get lines(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter((text) => parseLine(text).kind === 'line')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  }
  get actions(): unknown[] {
    return this.lines.map(({ action, why, entry }) => why ?? entry ?? action);
  }
}

/** What an AuditLog is tried in. */
export class Lab {
  readonly sink = new MemorySink();
  readonly clock = new FakeClock();
  readonly anchored: Tail[] = [];
  readonly logged: string[] = [];

  make(rest: Partial<AuditLogOptions> = {}): AuditLog {
    const log = (level: string) => () => void this.logged.push(level);
    return new AuditLog({
      sink: this.sink,
      clock: this.clock,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      identity: 'one',
      bestEffort: false,
      readKey: async () => ({ uid: 'uid', bytes: KEY }),
      anchor: {
        read: async () => this.anchored.at(-1),
        write: async (tail) => void this.anchored.push(tail),
      },
      ...rest,
    });
  }

  report(): Report {
    return verify(file(this.sink.text.split('\n')), { keys: [KEY], anchors: this.anchored });
  }
}

export const entry = (name: string, rest: Partial<AuditRecord> = {}): AuditRecord =>
  record({ entry: name, ...rest });
