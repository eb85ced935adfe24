import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type ToStringOptions,
} from 'yaml';
import { mergeLines } from './merge.ts';

/** A text that was parsed, and how to write it again. */
export interface ParsedFile {
  readonly documents: readonly Document[];
  readonly lineOf: (node: Node) => { readonly line: number; readonly column: number };
  /** The text with the changes that were made in these documents; undefined if it could not be written safely. */
  readonly render: (changed: ReadonlySet<Document>) => string | undefined;
}

export interface Unparsed {
  readonly line: number;
  readonly message: string;
}

/** Nothing of the text is in a message: the library's own ones quote it, their codes are words. */
export function parseFile(text: string): ParsedFile | Unparsed {
  const lines = new LineCounter();
  const options = { lineCounter: lines, logLevel: 'silent', prettyErrors: false } as const;
  const parse = (from: string) => {
    const parsed = parseAllDocuments(from, options);
    return Array.isArray(parsed) ? (parsed as Document[]) : [];
  };
  const documents = parse(text);
  for (const { errors } of documents) {
    const [error] = errors;
    if (!error) continue;
    const what = error.code === 'DUPLICATE_KEY' ? 'a key stands twice in one map' : `not YAML: ${error.code}`;
    return { line: lines.linePos(error.pos[0]).line, message: what };
  }
  const starts = documents.map((_, index) => (index === 0 ? 0 : (documents[index - 1]?.range?.[2] ?? 0)));
  const slice = (index: number) => text.slice(starts[index], starts[index + 1] ?? text.length);
  const isJson = looksLikeJson(text);
  const style = styleOf(text);
  const write = (document: Document) =>
    isJson ? `${json(document.contents, indentOf(text))}\n` : document.toString(style);
  // Before anything is changed.
  const untouched = new Map(documents.map((document) => [document, attempt(() => write(document))]));
  return {
    documents,
    lineOf: (node) => {
      const { line, col } = lines.linePos(node.range?.[0] ?? 0);
      return { line, column: col };
    },
    render: (changed) => {
      const parts = documents.map((document, index) => {
        const [ours, base] = [slice(index), untouched.get(document)];
        if (!changed.has(document)) return [ours];
        const theirs = attempt(() => write(document));
        if (theirs === undefined || base === undefined) return [];
        const ends = ours.includes('\r\n');
        const unix = ends ? ours.replaceAll('\r\n', '\n') : ours;
        // The formatting of the file where that works, and that of the library otherwise.
        return [mergeLines(base, unix, theirs), theirs].map((made) =>
          ends ? made.replaceAll('\n', '\r\n') : made,
        );
      });
      const meant = documents.map((document) => json(document.contents));
      const isMeant = (made: string) => {
        if (isJson && !isJsonText(made)) return false;
        const again = parse(made);
        return (
          again.every(({ errors }) => errors.length === 0) &&
          again.length === meant.length &&
          again.every((document, index) => json(document.contents) === meant[index])
        );
      };
      const candidates = [0, 1].map((which) => parts.map((part) => part[which] ?? part[0]));
      return candidates.flatMap((all) => (all.includes(undefined) ? [] : all.join(''))).find(isMeant);
    },
  };
}

export function hasAliases(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function looksLikeJson(text: string): boolean {
  return /^\uFEFF?\s*[{[]/.test(text) && isJsonText(text);
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return true;
  } catch {
    return false;
  }
}

/** JSON of nodes: with numbers as they were written, and keys that would be special in an object. */
export function json(node: unknown, indent = '', before = '\n'): string {
  const below = indent && before + indent;
  const end = indent && before;
  if (isAlias(node)) return JSON.stringify(`*${node.source}`);
  if (isMap(node)) {
    const pairs = node.items.map(
      ({ key, value }) => `${keyText(key)}:${indent && ' '}${json(value, indent, before + indent)}`,
    );
    return pairs.length === 0 ? '{}' : `{${below}${pairs.join(`,${below}`)}${end}}`;
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => json(item, indent, before + indent));
    return items.length === 0 ? '[]' : `[${below}${items.join(`,${below}`)}${end}]`;
  }
  if (!isScalar(node)) return 'null';
  return typeof node.value === 'number' && node.source !== undefined
    ? node.source
    : (JSON.stringify(node.value) ?? 'null');
}

function keyText(key: unknown): string {
  return JSON.stringify(isScalar(key) ? String(key.value) : typeof key === 'string' ? key : json(key));
}

function indentOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? '';
}

/** What the writer of the text is used to, as far as the library can be told. */
function styleOf(text: string): ToStringOptions {
  const [, ownIndent] = /^[^\s#-][^\n]*:[ \t]*\r?\n( +)[^\s#-]/m.exec(text) ?? [];
  return {
    lineWidth: 0,
    indent: ownIndent?.length ?? 2,
    indentSeq: !/^( *)(?:- +)?[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n\1- /m.test(text),
    flowCollectionPadding: !/[{[][^\s{}[\]]/.test(text) || /\{ /.test(text),
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
