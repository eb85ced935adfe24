import { isMap, Scalar, type Document, type Pair, type YAMLMap } from 'yaml';
import { listedNames } from '../../admission/annotations.ts';
import { CONTAINERS_ANNOTATION, REFERENCES_ANNOTATION } from '../../api/names.ts';
import { PluginError } from '../cli/exit.ts';
import { child, seqIn, textIn } from './nodes.ts';

/** By spark-submit's own way to annotate a driver. */
export const DRIVER_ANNOTATION = `spark.kubernetes.driver.annotation.${REFERENCES_ANNOTATION}`;

/** The references that a map of annotations names. */
export function namedIn(annotations: unknown): readonly string[] {
  return listedNames(textIn(annotations, REFERENCES_ANNOTATION) ?? '');
}

/** Adds the reference to those that the annotations below `owner` name. */
export function annotate(document: Document, owner: YAMLMap, reference: string): void {
  const annotations = mapUnder(document, owner, 'annotations');
  setText(document, annotations, REFERENCES_ANNOTATION, [...namedIn(annotations), reference]);
}

/** The same in a Spark configuration, a map or a list of names and values. */
export function annotateConf(document: Document, owner: YAMLMap, field: string, reference: string): void {
  const list = seqIn(owner, field);
  if (!list) {
    const map = mapUnder(document, owner, field);
    setText(document, map, DRIVER_ANNOTATION, [
      ...listedNames(textIn(map, DRIVER_ANNOTATION) ?? ''),
      reference,
    ]);
    return;
  }
  const called = list.items.some((item) => child(item, 'name')) ? 'name' : 'key';
  const there = list.items.find((item) => textIn(item, called) === DRIVER_ANNOTATION);
  if (isMap(there))
    setText(document, there, 'value', [...listedNames(textIn(there, 'value') ?? ''), reference]);
  else list.items.push(document.createNode({ [called]: DRIVER_ANNOTATION, value: reference }));
}

/**
 * A container without a placeholder had no secrets so far, and gets none: unless the pod had a reference or a storage
 * before, which gave its variables to all.
 */
export function limitContainers(
  document: Document,
  metadata: YAMLMap,
  { needing, all, had }: { needing: readonly string[]; all: readonly string[]; had: boolean },
): void {
  const annotations = mapUnder(document, metadata, 'annotations');
  const limited = textIn(annotations, CONTAINERS_ANNOTATION);
  if (limited === undefined && (had || needing.length === all.length)) return;
  setText(document, annotations, CONTAINERS_ANNOTATION, [...listedNames(limited ?? ''), ...needing]);
}

/** The map in this field; made if it is not there, or is null. */
export function mapUnder(document: Document, owner: YAMLMap, field: string): YAMLMap {
  const there = owner.get(field, true);
  if (isMap(there)) return there;
  // Overwriting a text or a list would lose it.
  if (there && !(there instanceof Scalar && there.value === null))
    throw new PluginError('NotOk', `${field} is no map, so nothing can be added to it`);
  const made = document.createNode({}) as YAMLMap;
  made.flow = false;
  const pair = owner.items.find(({ key }) => keyText(key) === field);
  if (pair) pair.value = made;
  // Where people look for it.
  else if (field === 'metadata') owner.items.unshift(document.createPair(field, made) as Pair);
  else owner.items.push(document.createPair(field, made) as Pair);
  return made;
}

function setText(document: Document, map: YAMLMap, field: string, names: readonly string[]): void {
  const value = [...new Set(names)].join(',');
  const there = map.get(field, true);
  if (there instanceof Scalar) there.value = value;
  else map.set(document.createNode(field), document.createNode(value));
}

function keyText(key: unknown): unknown {
  return key instanceof Scalar ? key.value : key;
}
