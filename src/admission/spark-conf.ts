import { executorVariable, propertyKind } from '../api/spark-property.ts';
import { hasPlaceholderText, piecesOf } from './placeholders.ts';
import { propertyLines } from './properties.ts';

/** A Spark property with placeholders, as a driver's ConfigMap has it. */
export interface LegacyProperty {
  readonly property: string;
  /** Texts as they are, and keys of the global store. */
  readonly pieces: readonly (string | { readonly key: string })[];
}

export interface Taken {
  /** What stays for Spark to read. */
  readonly kept: string;
  /** The lines that Spark must not read, since what it reads there wins over all options. */
  readonly taken: string;
  /** Properties that keep their placeholders. */
  readonly left: readonly string[];
}

/**
 * Takes the properties with placeholders out of a properties file, as far as a secret may become their value. What
 * counts is the last line of a property, and all lines of it go.
 */
export function takePlaceholders(text: string): Taken {
  const lines = propertyLines(text);
  const last = new Map(lines.flatMap(({ property }) => (property ? [[property.key, property.value]] : [])));
  const withPlaceholder = [...last].filter(([, value]) => hasPlaceholderText(value)).map(([key]) => key);
  const mine = new Set(withPlaceholder.filter(canBeTaken));
  const [kept, taken]: [string[], string[]] = [[], []];
  for (const { raw, property } of lines) (property && mine.has(property.key) ? taken : kept).push(raw);
  return {
    kept: kept.join(''),
    taken: taken.map(ended).join(''),
    left: withPlaceholder.filter((key) => !mine.has(key)),
  };
}

/** What takePlaceholders has taken. Anybody may have written it, so what it would not take is left out. */
export function legacyProperties(taken: string): readonly LegacyProperty[] {
  const last = new Map(
    propertyLines(taken).flatMap(({ property }) => (property ? [[property.key, property.value]] : [])),
  );
  return [...last]
    .filter(([property, value]) => canBeTaken(property) && hasPlaceholderText(value))
    .map(([property, value]) => ({ property, pieces: piecesOf(trimmed(value)) }));
}

function canBeTaken(property: string): boolean {
  return propertyKind(property) !== undefined || executorVariable(property) !== undefined;
}

/** The last line of a file may have no end, and others may follow. */
function ended(raw: string): string {
  return /[\r\n]$/.test(raw) ? raw : `${raw}\n`;
}

/** As Spark does with what it reads from a properties file: all up to the space but CR and LF. */
function trimmed(value: string): string {
  const isSpace = (at: number) => (value[at] ?? 'x') <= ' ' && value[at] !== '\r' && value[at] !== '\n';
  let [start, end] = [0, value.length];
  while (isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return value.slice(start, end);
}
