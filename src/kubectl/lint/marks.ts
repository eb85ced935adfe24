import { CONTAINERS_ANNOTATION, DELIVERED_ANNOTATION, DELIVERY_LABEL, GROUP } from '../../api/names.ts';
import {
  listedNames,
  containersMistake,
  NAMING_ANNOTATIONS,
  namesMistake,
  quoted,
} from '../../admission/annotations.ts';
import type { Found } from './codes.ts';
import { objectAt, type Manifest } from './documents.ts';
import { textsOf, type Template } from './templates.ts';

const KNOWN: readonly string[] = [...NAMING_ANNOTATIONS, CONTAINERS_ANNOTATION];
const WORDS = KNOWN.map((name) => name.slice(GROUP.length + 1));

/** Annotations and labels of a pod template: misspelt, misplaced, or with a value that admission refuses. */
export function checkMarks(manifest: Manifest, templates: readonly Template[]): Found[] {
  return [...templates.flatMap(ofTemplate), ...misplaced(manifest, templates)];
}

function ofTemplate(template: Template): Found[] {
  const { metadata, metadataPath } = template;
  const at = (field: string, name: string) => ({ path: [...metadataPath, field, name], atKey: true });
  const annotations = textsOf(objectAt(metadata, 'annotations'));
  const labels = textsOf(objectAt(metadata, 'labels'));
  return [
    ...annotations.flatMap(([name, value]): Found[] => {
      const place = at('annotations', name);
      if (name === DELIVERED_ANNOTATION) return [reserved(name, place)];
      if (KNOWN.includes(name)) return valueMistakes(name, value, template, place.path);
      return unknown(name).map((found) => ({ ...found, ...place }));
    }),
    ...labels.flatMap(([name]) => (name === DELIVERY_LABEL ? [reserved(name, at('labels', name))] : [])),
    ...nodeName(template, annotations),
  ];
}

function reserved(name: string, place: Pick<Found, 'path' | 'atKey'>): Found {
  return { code: 'ReservedMark', message: `${name} is written by Fairlead alone`, ...place };
}

/** One of our group that does not exist, or one that is ours but for its group. */
function unknown(name: string): Pick<Found, 'code' | 'message' | 'fix'>[] {
  const slash = name.indexOf('/');
  const [group, word] = slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
  const similar = WORDS.find((known) => distance(known, word) <= 3);
  const ours = group === GROUP;
  const nearlyOurs =
    similar !== undefined && (group === '' || /fairlead/.test(group) || distance(group, GROUP) <= 3);
  if (!ours && !nearlyOurs) return [];
  const fix = similar === undefined ? undefined : `Write ${GROUP}/${similar}.`;
  return [
    { code: 'UnknownAnnotation', message: `there is no annotation ${quoted(name)}`, ...(fix && { fix }) },
  ];
}

function valueMistakes(name: string, value: string, template: Template, path: Found['path']): Found[] {
  const by = NAMING_ANNOTATIONS.find((one) => one === name);
  const mistake = by ? namesMistake(by, value) : containersMistake(value);
  if (mistake !== undefined) return [{ code: 'AnnotationValue', message: mistake, path }];
  if (name !== CONTAINERS_ANNOTATION || !template.whole) return [];
  const present = template.containers.map((container) => container.name);
  const missing = listedNames(value).filter((one) => !present.includes(one));
  if (missing.length > 0 && missing.length === listedNames(value).length)
    return [{ code: 'NoContainer', message: `none of the containers that ${name} names is there`, path }];
  return missing.map((one) => ({
    code: 'ContainerMissing',
    message: `there is no container ${quoted(one)}`,
    path,
  }));
}

function nodeName(
  { nodeName, nodeNamePath }: Template,
  annotations: readonly (readonly [string, string])[],
): Found[] {
  if (!nodeName || !annotations.some(([name]) => NAMING_ANNOTATIONS.some((one) => one === name))) return [];
  return [
    {
      code: 'NodeName',
      message: 'a pod that sets spec.nodeName cannot wait for its secrets',
      path: nodeNamePath,
    },
  ];
}

/** Where annotations of pods are put by mistake: on the Deployment, or where a Notebook has nothing. */
const PLACES = [['metadata'], ['spec', 'template', 'metadata']] as const;

/** Not where the pods get their annotations from: a mistake that nothing else would ever tell. */
function misplaced({ kind, value }: Manifest, templates: readonly Template[]): Found[] {
  if (templates.length === 0) return [];
  const right = templates.map(({ metadataPath }) => metadataPath.join('.'));
  return PLACES.filter((place) => !right.includes(place.join('.'))).flatMap((place) =>
    textsOf(objectAt(value, ...place, 'annotations'))
      .filter(([name]) => KNOWN.includes(name))
      .map(([name]) => ({
        code: 'MisplacedAnnotation' as const,
        message:
          place.length === 1
            ? `${name} stands on the ${kind} and not on its pods`
            : `${name} stands in ${place.join('.')}, but the pods get those of the ${kind} itself`,
        path: [...place, 'annotations', name],
        atKey: true,
      })),
  );
}

/** How many characters differ (Levenshtein); long names are not compared. */
export function distance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
