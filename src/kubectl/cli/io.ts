import { printable as harmless } from '../../resolve/problem.ts';

/** What a command has of the world around it; tests give it another one. */
export interface Io {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
  readonly stdin: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Text of somebody else for a terminal. Line feeds become spaces, so that one line stays one line. */
export function printable(text: string): string {
  return harmless(text.replaceAll(/[\r\n\t]+/g, ' '));
}
