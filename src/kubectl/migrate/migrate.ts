import { dirname, join } from 'node:path';
import { isMap, isSeq, type Document, type Node, type YAMLMap } from 'yaml';
import { namesMistake } from '../../admission/annotations.ts';
import { hasPlaceholderText } from '../../admission/placeholders.ts';
import { DEFAULT_SYSTEM_NAMESPACE, REFERENCES_ANNOTATION } from '../../api/names.ts';
import { PluginError } from '../cli/exit.ts';
import { lint, type SourceFile } from '../lint/lint.ts';
import type { Context, Move } from './context.ts';
import { Draft, referenceText } from './draft.ts';
import { hasAliases, parseFile, type ParsedFile } from './file.ts';
import { eachText, seqIn, textIn } from './nodes.ts';
import type { Mapping } from './source.ts';
import { whyLeft } from './why-left.ts';
import { workloadOf, type Workload } from './workloads.ts';

export interface MigrateOptions {
  readonly mapping: Mapping;
  /** Of the reference; else that of the workload. */
  readonly name: string | undefined;
  /** For objects that say none. */
  readonly namespace: string | undefined;
  readonly storageProperty: string | undefined;
}

export interface At {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}
export type Moved = At & Move & { readonly reference: string };
export type Left = At & { readonly path: string; readonly why: string };
export type Failure = Pick<At, 'file' | 'line'> & { readonly message: string };

export interface Migrated {
  readonly files: readonly { readonly name: string; readonly before: string; readonly after: string }[];
  readonly references: readonly {
    readonly file: string;
    readonly text: string;
    readonly drafts: readonly Draft[];
  }[];
  readonly moved: readonly Moved[];
  readonly left: readonly Left[];
  /** If there is one, nothing may be written. */
  readonly failures: readonly Failure[];
}

/** What the files would be, and the references beside them. Pure; no value of a file is in any message. */
export function migrate(files: readonly SourceFile[], options: MigrateOptions): Migrated {
  const run = new Run(options);
  const results = files.map((file) => run.file(file));
  const references = run.references();
  const order = new Map(files.map(({ name }, index) => [name, index]));
  const left = run.left.sort(
    (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
  );
  return { files: results, references, moved: run.moved, left, failures: run.failures };
}

class Run {
  readonly #options: MigrateOptions;
  readonly moved: Moved[] = [];
  readonly left: Left[] = [];
  readonly failures: Failure[] = [];
  /** By namespace and name; with the file beside which each will stand. */
  readonly #drafts = new Map<string, { readonly draft: Draft; readonly file: string }>();

  constructor(options: MigrateOptions) {
    this.#options = options;
  }

  file({ name, text }: SourceFile): Migrated['files'][number] {
    const parsed = parseFile(text);
    if ('message' in parsed) {
      this.failures.push({ file: name, ...parsed });
      return { name, before: text, after: text };
    }
    const changed = new Set(parsed.documents.filter((document) => this.#document(name, document, parsed)));
    const failed = this.failures.some(({ file }) => file === name);
    const after = changed.size === 0 || failed ? text : parsed.render(changed);
    if (after === undefined) this.failures.push({ file: name, line: 1, message: CANNOT_WRITE });
    return { name, before: text, after: after ?? text };
  }

  #document(file: string, document: Document, parsed: ParsedFile): boolean {
    const known = new Set<Node>();
    let moves = 0;
    for (const object of objectsOf(document.contents)) {
      const workload = workloadOf(document, object);
      if (workload) moves += this.#workload(file, workload, object, parsed, known);
    }
    eachText(document.contents, (scalar, path) => {
      if (!hasPlaceholderText(scalar.value) || known.has(scalar) || path.endsWith(LAST_APPLIED)) return;
      this.left.push({ file, ...parsed.lineOf(scalar), path, why: whyLeft(path) });
    });
    if (moves > 0 && hasAliases(document)) {
      const { line } = document.contents ? parsed.lineOf(document.contents) : { line: 1 };
      this.failures.push({ file, line, message: ALIASES });
    }
    return moves > 0;
  }

  #workload(file: string, workload: Workload, object: YAMLMap, parsed: ParsedFile, known: Set<Node>): number {
    const { line } = parsed.lineOf(object);
    const draft = this.#draftFor(file, workload);
    let moves = 0;
    const context: Context = {
      draft,
      secretFor: this.#options.mapping.secretFor,
      storageProperty: this.#options.storageProperty,
      move: (move, at) => {
        moves++;
        this.moved.push({ file, ...parsed.lineOf(at), ...move, reference: draft.name });
      },
      leave: (at, why) => {
        known.add(at);
        this.left.push({ file, ...parsed.lineOf(at), path: pathTo(object, at), why });
      },
    };
    try {
      workload.migrate(context);
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      this.failures.push({ file, line, message: error.message });
    }
    if (moves > 0) this.#check(file, line, workload, draft);
    // Its name is free for the next one.
    if (draft.size === 0) this.#drafts.delete(`${draft.namespace}/${draft.name}`);
    return moves;
  }

  #check(file: string, line: number, { asks }: Workload, { name }: Draft): void {
    const mistake =
      name === ''
        ? 'the workload has no name that a reference can have: give one with --name'
        : asks.includes(name)
          ? `the workload names the reference ${name} already: give the new one another name with --name`
          : namesMistake(REFERENCES_ANNOTATION, [...asks, name].join(','));
    if (mistake !== undefined) this.failures.push({ file, line, message: mistake });
  }

  /** With --name one for all of a namespace, else one for each workload. */
  #draftFor(file: string, workload: Workload): Draft {
    const namespace = workload.namespace || (this.#options.namespace ?? '');
    const { name: chosen } = this.#options;
    const key = (name: string) => `${namespace}/${name}`;
    let name = chosen ?? nameLike(workload.name);
    if (chosen === undefined && name !== '') {
      const free = (one: string) => !this.#drafts.has(key(one)) && !workload.asks.includes(one);
      const base = free(name) ? name : `${name}-${workload.kind.toLowerCase()}`;
      name = free(name) ? name : base;
      for (let n = 2; !free(name); n++) name = `${base}-${n}`;
    }
    const there = this.#drafts.get(key(name));
    if (there) return there.draft;
    const draft = new Draft(name, namespace);
    this.#drafts.set(key(name), { draft, file });
    return draft;
  }

  references(): Migrated['references'] {
    const used = [...this.#drafts.values()].filter(({ draft }) => draft.size > 0 && draft.name !== '');
    const byFile = new Map<string, Draft[]>();
    for (const { draft, file } of used) {
      const path = join(file === STDIN ? '.' : dirname(file), `${draft.name}.secretreference.yaml`);
      byFile.set(path, [...(byFile.get(path) ?? []), draft]);
    }
    return [...byFile].map(([file, drafts]) => {
      const text = referenceText(drafts);
      this.#validate(file, text);
      return { file, text, drafts };
    });
  }

  /** What the API server would refuse is not written. */
  #validate(file: string, text: string): void {
    const options = { systemNamespace: DEFAULT_SYSTEM_NAMESPACE, legacyNamespaces: [], strict: false };
    for (const { severity, line, message } of lint([{ name: file, text }], options))
      if (severity === 'error') this.failures.push({ file, line, message });
  }
}

/** What somebody applied once; kubectl writes it anew. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export const STDIN = '<stdin>';

/** Of a List, or of a list of payloads, its items; of anything else itself. */
function objectsOf(node: unknown): YAMLMap[] {
  if (isSeq(node)) return node.items.flatMap(objectsOf);
  if (!isMap(node)) return [];
  const items = textIn(node, 'kind')?.endsWith('List') ? seqIn(node, 'items') : undefined;
  return items ? items.items.flatMap(objectsOf) : [node];
}

/** A name that an object can have: people call their jobs what they like. */
function nameLike(name: string): string {
  const lower = name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
  return lower
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 200)
    .replaceAll(/[-.]+$/g, '')
    .replaceAll(/\.[-.]+|-+\./g, '.');
}

function pathTo(object: YAMLMap, at: Node): string {
  let found = '';
  eachText(object, (scalar, path) => {
    if (found === '' && (scalar === at || within(at, scalar))) found = path;
  });
  return found;
}

function within(outer: Node, inner: Node): boolean {
  if (!outer.range || !inner.range) return false;
  return inner.range[0] >= outer.range[0] && inner.range[1] <= outer.range[1];
}

const ALIASES =
  'this document has anchors and aliases (&a, *a): a change would reach more than the place where it is made; write them out first';
const CANNOT_WRITE = 'the changed file could not be written as it is meant; nothing was changed';
