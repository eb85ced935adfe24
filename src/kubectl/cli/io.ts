/** What a command has of the world around it; tests give it another one. */
export interface Io {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
  readonly stdin: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Text of somebody else for a terminal: control characters could move the cursor, recolour, or hide what stands
 * before them. Line feeds become spaces, so that one line stays one line.
 */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
