import { CONTAINERS_ANNOTATION, LIMITS, REFERENCES_ANNOTATION, STORAGE_ANNOTATION } from '../api/names.ts';
import type { Pod } from './pod-shape.ts';

const MAX_NAME = 253;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The annotations by which a pod names objects of its namespace, the kinds of these, and how many it may name. */
export const NAMING = {
  [REFERENCES_ANNOTATION]: { kind: 'SecretReference', limit: LIMITS.referencesPerPod },
  [STORAGE_ANNOTATION]: { kind: 'StorageConfig', limit: LIMITS.storagesPerPod },
} as const;

export type NamingAnnotation = keyof typeof NAMING;
export const NAMING_ANNOTATIONS = Object.keys(NAMING) as readonly NamingAnnotation[];

/**
 * What a value of one of our annotations names, objects or containers: comma separated, white space allowed, each once and
 * in order. Names are not checked here, see namesMistake and containersMistake.
 */
export function listedNames(value: string): readonly string[] {
  return [...new Set(value.split(',').flatMap((name) => name.trim() || []))];
}

/** Why a pod with this value of such an annotation cannot be served, for the user; else undefined. */
export function namesMistake(by: NamingAnnotation, value: string): string | undefined {
  const { kind, limit } = NAMING[by];
  const names = listedNames(value);
  const about = `the annotation ${by}`;
  if (names.length === 0)
    return `${about} is empty: name the ${kind}s of this namespace, comma separated, or remove the annotation`;
  if (names.length > limit) return `${about} names ${names.length} ${kind}s: at most ${limit} are allowed`;
  const wrong = names.find((name) => name.length > MAX_NAME || !SUBDOMAIN.test(name));
  if (wrong !== undefined)
    return `${about} names ${quoted(wrong)}: a ${kind}'s name has lower case letters, digits, - and . only, at most ${MAX_NAME}`;
  return undefined;
}

/** Why this value of fairlead.dev/containers can never choose a container, for the user; else undefined. */
export function containersMistake(value: string): string | undefined {
  const names = listedNames(value);
  const about = `the annotation ${CONTAINERS_ANNOTATION}`;
  if (names.length === 0)
    return `${about} is empty: name the containers that get the variables, comma separated, or remove the annotation`;
  if (names.length > LIMITS.containersPerPod)
    return `${about} names ${names.length} containers: at most ${LIMITS.containersPerPod} are allowed`;
  const wrong = names.find((name) => !LABEL.test(name));
  return wrong === undefined
    ? undefined
    : `${about} names ${quoted(wrong)}, which cannot be the name of a container`;
}

/** An annotation's value; undefined if the pod does not have it. Own keys only, so no name is special. */
export function annotation(pod: Pod, name: string): string | undefined {
  const annotations = pod.metadata.annotations;
  return annotations && Object.hasOwn(annotations, name) ? annotations[name] : undefined;
}

/** A name for a message or a warning header: printable ASCII, and short. */
export function quoted(name: string): string {
  const printable = name.slice(0, 41).replaceAll(/[^ !#-[\]-~]/g, '?');
  return printable.length > 40 ? `"${printable.slice(0, 40)}..."` : `"${printable}"`;
}
