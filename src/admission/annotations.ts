import { CONTAINERS_ANNOTATION, LIMITS, REFERENCES_ANNOTATION } from '../api/names.ts';
import type { Pod } from './pod-shape.ts';

const MAX_NAME = 253;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * The SecretReferences that a value of the annotation fairlead.dev/secret-references names: comma separated, white
 * space allowed, each once and in order. Names are not checked here, see referencesMistake.
 */
export function referenceNames(value: string): readonly string[] {
  return split(value);
}

/** Why a pod with this value of fairlead.dev/secret-references cannot be served, for the user; else undefined. */
export function referencesMistake(value: string): string | undefined {
  const names = referenceNames(value);
  const about = `the annotation ${REFERENCES_ANNOTATION}`;
  if (names.length === 0)
    return `${about} is empty: name the SecretReferences of this namespace, comma separated, or remove the annotation`;
  if (names.length > LIMITS.referencesPerPod)
    return `${about} names ${names.length} SecretReferences: at most ${LIMITS.referencesPerPod} are allowed`;
  const wrong = names.find((name) => name.length > MAX_NAME || !SUBDOMAIN.test(name));
  if (wrong !== undefined)
    return `${about} names ${quoted(wrong)}: a SecretReference's name has lower case letters, digits, - and . only, at most ${MAX_NAME}`;
  return undefined;
}

/** The containers that a value of the annotation fairlead.dev/containers names. */
export function containerNames(value: string): readonly string[] {
  return split(value);
}

/** Why this value of fairlead.dev/containers can never choose a container, for the user; else undefined. */
export function containersMistake(value: string): string | undefined {
  const names = containerNames(value);
  const about = `the annotation ${CONTAINERS_ANNOTATION}`;
  if (names.length === 0)
    return `${about} is empty: name the containers that get the variables, comma separated, or remove the annotation`;
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

function split(value: string): readonly string[] {
  return [...new Set(value.split(',').flatMap((name) => name.trim() || []))];
}
