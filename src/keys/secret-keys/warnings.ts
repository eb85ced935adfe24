import { cut } from '../../kube/errors.ts';

/** The API server cuts a webhook's warnings there, and a terminal shows no more at a glance. */
export const WARNING_BYTES = 256;
export const MAX_WARNINGS = 16;

/** Each once, each short, and not too many. */
export function bounded(warnings: Iterable<string>): readonly string[] {
  const all = [...new Set(warnings)];
  const shown = all.slice(0, MAX_WARNINGS).map((warning) => cut(warning, WARNING_BYTES));
  return all.length > MAX_WARNINGS ? [...shown, `and ${all.length - MAX_WARNINGS} more`] : shown;
}

/** `head: a, b, c`, over as many warnings as it takes and may take; the rest is counted. */
export function enumerated(head: string, names: readonly string[], others: number): readonly string[] {
  const lines: string[] = [];
  let line = cut(head, WARNING_BYTES);
  let isEmpty = true;
  let told = 0;
  for (const name of names) {
    const next = `${line}${isEmpty ? ': ' : ', '}${name}`;
    if (Buffer.byteLength(next) <= WARNING_BYTES) line = next;
    else {
      if (lines.length === MAX_WARNINGS - 1) break;
      lines.push(line);
      line = cut(`also: ${name}`, WARNING_BYTES);
    }
    isEmpty = false;
    told += 1;
  }
  lines.push(line);
  const rest = names.length - told + others;
  // Where no name may be told, the head's own number says it all.
  return rest > 0 && told > 0 ? [...lines, `and ${rest} more`] : lines;
}
