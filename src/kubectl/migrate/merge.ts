/** Larger than what people write by hand: then the formatting of the library will do. */
const MAX_CELLS = 4_000_000;

/**
 * `ours` with what changes from `base` to `theirs`, line by line. Base is what the library makes of `ours`, theirs what it
 * makes of it after a change: so formatting that the library would not keep stays wherever nothing was changed.
 */
export function mergeLines(base: string, ours: string, theirs: string): string {
  const [b, o, t] = [base, ours, theirs].map((text) => text.split('\n')) as [string[], string[], string[]];
  const toOurs = matches(b.map(bare), o.map(bare));
  const toTheirs = matches(b, t);
  if (!toOurs || !toTheirs) return theirs;
  const merged: string[] = [];
  let [inBase, inOurs, inTheirs] = [0, 0, 0];
  for (let at = 0; at <= b.length; at++) {
    const [nextOurs, nextTheirs] = at === b.length ? [o.length, t.length] : [toOurs[at]!, toTheirs[at]!];
    // Both have this line: what stands before it is decided at once.
    if (nextOurs < 0 || nextTheirs < 0) continue;
    const isSame = same(b.slice(inBase, at), t.slice(inTheirs, nextTheirs));
    merged.push(...(isSame ? o.slice(inOurs, nextOurs) : t.slice(inTheirs, nextTheirs)));
    if (at < b.length) merged.push(o[nextOurs]!);
    [inBase, inOurs, inTheirs] = [at + 1, nextOurs + 1, nextTheirs + 1];
  }
  return merged.join('\n');
}

function bare(line: string): string {
  return line.replaceAll(/\s+/g, '');
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

/** For each line of `a` the line of `b` that it is in a longest common subsequence, or -1; undefined if too long. */
export function matches(a: readonly string[], b: readonly string[]): Int32Array | undefined {
  const found = new Int32Array(a.length).fill(-1);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    found[start] = start;
    start++;
  }
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) found[--endA] = --endB;
  const [rows, columns] = [endA - start, endB - start];
  if (rows * columns > MAX_CELLS) return undefined;
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; i--)
    for (let j = columns - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[start + i] === b[start + j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  for (let [i, j] = [0, 0]; i < rows && j < columns;) {
    if (a[start + i] === b[start + j]) found[start + i++] = start + j++;
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return found;
}
