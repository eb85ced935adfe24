import { printable } from '../cli/io.ts';
import type { Migrated, Moved } from './migrate.ts';

export interface Shown {
  readonly written: boolean;
  readonly unusedMaps: readonly string[];
}

/** What was done, or would be, for people. Names and places only: whatever stands around a placeholder is not shown. */
export function textOf({ moved, left, references, files }: Migrated, { written, unusedMaps }: Shown): string {
  const lines = [
    ...moved.map((one) => `- ${placeOf(one)}: ${one.what}`).map(printable),
    ...(moved.length > 0 ? [''] : []),
  ];
  for (const { file, drafts } of references) {
    for (const { namespace, name } of drafts) {
      const own = moved.filter(({ reference }) => reference === name);
      lines.push(printable(`+ ${file}: SecretReference ${namespace === '' ? '' : `${namespace}/`}${name}`));
      lines.push(...[...new Set(own.map(entryOf))].map((entry) => printable(`+     ${entry}`)));
    }
  }
  for (const { name, before, after } of files)
    if (before !== after) lines.push(printable(`${written ? 'written' : 'would change'}: ${name}`));
  for (const one of left)
    lines.push(printable(`left: ${placeOf(one)}: ${one.path === '' ? '' : `${one.path}: `}${one.why}`));
  for (const key of unusedMaps) lines.push(printable(`note: no placeholder has the key ${key} of --map`));
  return lines.map((line) => `${line}\n`).join('');
}

/** One line to end with. */
export function summaryOf({ moved, left, references }: Migrated, { written }: Shown): string {
  const what = `${counted(moved.length, 'secret')} ${written ? 'moved' : 'to move'} into ${counted(
    references.reduce((sum, { drafts }) => sum + drafts.length, 0),
    'reference',
  )}, ${left.length} left`;
  const next = !written && moved.length > 0 ? ' Nothing was written; --write does it.' : '';
  return `${what}.${next}\nOnly placeholders and secret objects are found, no passwords in plain text: see kubectl fairlead lint.\n`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function placeOf({ file, line, column }: Pick<Moved, 'file' | 'line' | 'column'>): string {
  return `${file}:${line}:${column}`;
}

function entryOf({ variable, property, secret }: Moved): string {
  const { key, source } = secret;
  return `${variable ?? property ?? ''} from ${source.type}/${source.id} key ${key}`;
}
