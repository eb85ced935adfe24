import { isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';

/** Of a map, by key; undefined for anything that is not there. Nodes only, so that no key is special. */
export function child(node: unknown, ...path: readonly string[]): Node | undefined {
  let at = node;
  for (const step of path) at = isMap(at) ? at.get(step, true) : undefined;
  return at as Node | undefined;
}

export function mapIn(node: unknown, ...path: readonly string[]): YAMLMap | undefined {
  const found = child(node, ...path);
  return isMap(found) ? found : undefined;
}

export function seqIn(node: unknown, ...path: readonly string[]): YAMLSeq | undefined {
  const found = child(node, ...path);
  return isSeq(found) ? found : undefined;
}

/** The scalar if it is a text. */
export function textScalar(node: unknown): Scalar<string> | undefined {
  return isScalar(node) && typeof node.value === 'string' ? (node as Scalar<string>) : undefined;
}

export function textIn(node: unknown, ...path: readonly string[]): string | undefined {
  return textScalar(child(node, ...path))?.value;
}

/** One setting by its name, in a map or in a list of `{name, value}` or `{key, value}`. */
export interface Setting {
  readonly name: string;
  readonly value: Scalar<string>;
  /** The pair, or the item of the list. */
  readonly node: Node | Pair;
  readonly remove: () => void;
}

/** The settings whose value is a text. An entry with valueFrom has none. */
export function settingsOf(node: unknown): Setting[] {
  if (isMap(node)) {
    return node.items.flatMap((pair): Setting[] => {
      const [name, value] = [textScalar(pair.key)?.value, textScalar(pair.value)];
      if (name === undefined || !value) return [];
      return [{ name, value, node: pair, remove: () => remove(node.items, pair) }];
    });
  }
  if (!isSeq(node)) return [];
  return node.items.flatMap((item): Setting[] => {
    const name = textIn(item, 'name') ?? textIn(item, 'key');
    const value = textScalar(child(item, 'value'));
    if (name === undefined || !value || child(item, 'valueFrom')) return [];
    return [{ name, value, node: item as Node, remove: () => remove(node.items, item) }];
  });
}

function remove<T>(items: T[], one: T): void {
  items.splice(items.indexOf(one), 1);
}

/** Takes an empty list or map out of its parent. */
export function dropIfEmpty(parent: YAMLMap, field: string): void {
  const node = child(parent, field);
  if ((isMap(node) || isSeq(node)) && node.items.length === 0) parent.delete(field);
}

/** Every comment on a node and below it, line by line: what is removed may not take them along. */
export function commentsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { commentBefore, comment } = node as { commentBefore?: string | null; comment?: string | null };
  const inside = isMap(node)
    ? node.items.flatMap(commentsOf)
    : isSeq(node)
      ? node.items.flatMap(commentsOf)
      : 'key' in node && 'value' in node
        ? [...commentsOf(node.key), ...commentsOf(node.value)]
        : [];
  return [...linesOf(commentBefore), ...inside, ...linesOf(comment)];
}

function linesOf(comment: string | null | undefined): string[] {
  return (comment ?? '').split('\n').filter((line) => line.trim() !== '');
}

/** Where a text stands that a document holds: all of them, keys included. */
export function eachText(
  node: unknown,
  visit: (scalar: Scalar<string>, path: string) => void,
  path = '',
): void {
  const scalar = textScalar(node);
  if (scalar) visit(scalar, path);
  else if (isMap(node)) {
    for (const { key, value } of node.items) {
      const name = textScalar(key)?.value ?? '?';
      const below = path === '' ? name : `${path}.${name}`;
      eachText(key, visit, below);
      eachText(value, visit, below);
    }
  } else if (isSeq(node)) node.items.forEach((item, index) => eachText(item, visit, `${path}[${index}]`));
}
