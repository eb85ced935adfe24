import { printable } from './io.ts';

const GAP = '   ';

/**
 * Columns as kubectl prints them: aligned, three spaces between, no space at the end of a line. An empty cell is
 * `-`. Ends with a line feed; empty without rows and without a header.
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((row) => row.map((cell) => printable(cell) || '-'));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  return lines.map((line) => `${aligned(line, widths)}\n`).join('');
}

function aligned(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
    .join(GAP)
    .trimEnd();
}

/** Facts one under the other: `Gate:      held`. */
export function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  const widest = Math.max(0, ...pairs.map(([name]) => width(name)));
  return pairs.map(([name, value]) => `${`${name}:`.padEnd(widest + 2)}${printable(value)}\n`).join('');
}

/** Characters, not UTF-16 units. */
function width(text: string): number {
  return Array.from(text).length;
}
