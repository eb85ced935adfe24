/** What the demo prints: numbered steps with the time they took, tables, and which step failed. */
import { setTimeout as delay } from 'node:timers/promises';

let count = 0;
let running: string | undefined;

/** Runs one step of the demo and prints how long it took; a failure says which step it was. */
export async function step<T>(what: string, work: (say: (line: string) => void) => Promise<T>): Promise<T> {
  count += 1;
  running = `step ${count} (${what})`;
  console.log(`\n[${count}] ${what}`);
  const started = performance.now();
  const result = await work((line) => console.log(`    ${line}`));
  console.log(`    done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

export function failedStep(): string {
  return running ?? 'the start';
}

/** Asks until the answer is there, and shows what it is waiting for if that takes long. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  { timeoutMs = 60_000 } = {},
): Promise<T> {
  const started = performance.now();
  let told = started;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    const now = performance.now();
    if (now - started > timeoutMs) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
    if (now - told > 5000) {
      console.log(`    still waiting for ${what} (${((now - started) / 1000).toFixed(0)} s)`);
      told = now;
    }
    await delay(200);
  }
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [head, ...rows]) {
    console.log(
      `    ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd()}`,
    );
  }
}
