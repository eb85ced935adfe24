const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `30s`, `1m30s`, or a number of seconds, as kubectl takes them; undefined if it is none. */
export function duration(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d{1,9}(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+)(ms|s|m|h)/g);
  return Array.from(parts).reduce(
    (sum, [, amount, unit = 's']) => sum + Number(amount) * (UNITS[unit] ?? 0),
    0,
  );
}
