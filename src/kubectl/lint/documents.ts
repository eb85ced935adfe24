import { isMap, isNode, isScalar, LineCounter, parseAllDocuments, type Document } from 'yaml';
import { CODES, type Finding, type Found } from './codes.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };
export type Path = readonly (string | number)[];

/** One Kubernetes object of a file, and where its parts stand. */
export interface Manifest {
  readonly file: string;
  readonly value: JsonObject;
  readonly kind: string;
  readonly apiVersion: string;
  readonly name: string;
  /** Empty if it says none. */
  readonly namespace: string;
  readonly locate: (found: Found) => Finding;
}

export interface ParsedFile {
  readonly manifests: readonly Manifest[];
  readonly findings: readonly Finding[];
}

/** More of them than any manifest has: an alias bomb is refused. */
const MAX_ALIASES = 1_000;

/** The objects of a text, those in kind: List one by one. Never throws on input, and quotes nothing of it. */
export function parseFile(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const findings: Finding[] = [];
  const documents = parseAllDocuments(text, { lineCounter: lines, logLevel: 'silent', prettyErrors: false });
  for (const document of Array.isArray(documents) ? documents : []) {
    const [error] = document.errors;
    if (error) {
      const { line } = lines.linePos(error.pos[0]);
      // The library's message quotes its input; its code is a word.
      findings.push(
        finding(file, { line, col: 1 }, { code: 'NotYaml', message: `not YAML: ${error.code}`, path: [] }),
      );
      continue;
    }
    const value = plain(document);
    if (value === null) continue;
    if (value === undefined) {
      const at = position(document, lines, []);
      findings.push(finding(file, at, { code: 'NotYaml', message: 'too many aliases', path: [] }));
      continue;
    }
    for (const [path, one] of unpacked(value, [])) {
      const locate = (found: Found): Finding =>
        finding(file, position(document, lines, [...path, ...found.path], found.atKey), found);
      const manifest = manifestOf(file, one, locate);
      if (manifest) manifests.push(manifest);
      else
        findings.push(
          locate({
            code: 'NotAnObject',
            message: 'this is no Kubernetes object: apiVersion, kind or metadata.name is missing',
            path: [],
          }),
        );
    }
  }
  return { manifests, findings };
}

function plain(document: Document): Json | undefined {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as Json;
  } catch {
    return undefined;
  }
}

/** Of a List its items, and of anything else itself. */
function unpacked(value: Json, path: Path): (readonly [Path, Json])[] {
  if (!isObject(value)) return [[path, value]];
  const { kind, items } = value;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [[path, value]];
  return (items as readonly Json[]).flatMap((item, index) => unpacked(item, [...path, 'items', index]));
}

function manifestOf(file: string, value: Json, locate: Manifest['locate']): Manifest | undefined {
  if (!isObject(value)) return undefined;
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || apiVersion === '' || kind === '')
    return undefined;
  const { name, generateName, namespace } = isObject(metadata) ? metadata : {};
  const called = typeof name === 'string' ? name : '';
  // A kustomization and its like have no name; an object of Kubernetes has.
  if (called === '' && typeof generateName !== 'string' && !NAMELESS.test(apiVersion)) return undefined;
  return {
    file,
    value,
    kind,
    apiVersion,
    name: called,
    namespace: typeof namespace === 'string' ? namespace : '',
    locate,
  };
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Files of tools, and the kinds of the API for keys, which are named by what they are about or not at all. */
const NAMELESS = /kustomize|helm|^keys\.fairlead\.dev\//;

/** The object at a path, or an empty one. */
export function objectAt(value: Json | undefined, ...path: string[]): JsonObject {
  let at = value;
  for (const step of path) at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  return isObject(at) ? at : {};
}

export function listAt(value: JsonObject, field: string): readonly Json[] {
  const list = Object.hasOwn(value, field) ? value[field] : undefined;
  return Array.isArray(list) ? (list as readonly Json[]) : [];
}

/** Line and column of the deepest part of the path that is there; of a key if `atKey`. */
function position(
  document: Document,
  lines: LineCounter,
  path: Path,
  atKey = false,
): { readonly line: number; readonly col: number } {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const steps = path.slice(0, depth);
    const offset =
      (atKey && depth === path.length && keyOffset(document, steps)) || nodeOffset(document, steps);
    if (typeof offset === 'number') return lines.linePos(offset);
  }
  return { line: 1, col: 1 };
}

function keyOffset(document: Document, path: Path): number | undefined {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (!isMap(parent)) return undefined;
  const last = path.at(-1);
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

function nodeOffset(document: Document, path: Path): number | undefined {
  const node = path.length > 0 ? document.getIn(path, true) : document.contents;
  return isNode(node) ? node.range?.[0] : undefined;
}

function finding(
  file: string,
  { line, col }: { line: number; col: number },
  { code, message, fix }: Found,
): Finding {
  const facts = CODES[code];
  return { file, line, column: col, severity: facts.severity, code, message, fix: fix ?? facts.fix };
}
