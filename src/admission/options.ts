import { SPARK_OPTIONS_VARIABLE, SPARK_SUBMIT_OPTS } from '../api/names.ts';
import { valuePieces, type ValuePiece } from './expansion.ts';
import { allContainers, withField, type Container, type EnvVar, type Pod } from './pod-shape.ts';

/**
 * An explicit env entry wins over envFrom, so a SPARK_SUBMIT_OPTS that the pod sets itself would hide that of the
 * delivery. It gets `$(FAIRLEAD_SPARK_OPTS)` behind it, which the kubelet fills from the delivery. Left alone, the text
 * would stand there as it is and break the JVM: the delivery of such a pod always has the variable, empty if need be.
 */
const REFERENCE = `$(${SPARK_OPTIONS_VARIABLE})`;
const SUFFIX = ` ${REFERENCE}`;

/** The last entry of a name is the one that counts. A value that names our options already stays. */
export function addOptions(container: Container): Container {
  const at = container.env?.findLastIndex(({ name }) => name === SPARK_SUBMIT_OPTS) ?? -1;
  const entry = container.env?.[at];
  if (!container.env || !entry || !isLiteral(entry) || namesOptions(entry)) return container;
  const value = `${closed(entry.value ?? '')}${SUFFIX}`;
  return withField(container, 'env', container.env.with(at, withField(entry, 'value', value)));
}

/** The inverse of addOptions. */
export function withoutOptions(entry: EnvVar): EnvVar {
  const { name, value } = entry;
  if (name !== SPARK_SUBMIT_OPTS || typeof value !== 'string' || !value.endsWith(SUFFIX)) return entry;
  return withField(entry, 'value', value.slice(0, -SUFFIX.length));
}

/** For a warning: the container has a SPARK_SUBMIT_OPTS to which nothing can be added. */
export function hidesOptions({ env }: Container): boolean {
  const entry = env?.findLast(({ name }) => name === SPARK_SUBMIT_OPTS);
  return entry !== undefined && !isLiteral(entry);
}

/** For a warning: what the container's own envFrom has of SPARK_SUBMIT_OPTS is hidden by ours, which comes last. */
export function mayHideOptions({ env, envFrom }: Container): boolean {
  return (envFrom?.length ?? 0) > 0 && !env?.some(({ name }) => name === SPARK_SUBMIT_OPTS);
}

/** An env value of the pod that names our options. */
export interface OwnOptions {
  readonly variable: string;
  /** In pieces; a variable that the container defines itself, and not by the delivery, is left out. */
  readonly pieces: readonly ValuePiece[];
}

/** Where the pod names our options, so that a delivery for it must have them, empty if need be. */
export function ownOptions(pod: Pod): readonly OwnOptions[] {
  return allContainers(pod).flatMap(({ env }) => {
    // Of several entries with one name the last one counts; each is looked at once, however many there are.
    const last = new Map((env ?? []).map((entry) => [entry.name, entry]));
    const naming = [...last.values()].filter(namesOptions);
    if (naming.length === 0) return [];
    const own = new Set([...last.values()].filter(isTheirs).map(({ name }) => name));
    const isKnown = (piece: ValuePiece) => typeof piece === 'string' || !own.has(piece.variable);
    return naming.map(({ name, value }) => ({
      variable: name,
      pieces: valuePieces(value ?? '').filter(isKnown),
    }));
  });
}

export function isOurOptions(piece: ValuePiece): boolean {
  return typeof piece !== 'string' && piece.variable === SPARK_OPTIONS_VARIABLE;
}

/** Most values are not looked at any further. */
function namesOptions({ value }: EnvVar): boolean {
  return (value?.includes(REFERENCE) ?? false) && valuePieces(value ?? '').some(isOurOptions);
}

/** Not what a placeholder has become, which is filled from the key of its own name. */
function isTheirs({ name, valueFrom }: EnvVar): boolean {
  return valueFrom?.secretKeyRef?.key !== name;
}

function isLiteral({ valueFrom }: EnvVar): boolean {
  return !valueFrom;
}

/** The kubelet reads `$(` up to the next `)`: one that is not closed would swallow ours. `$$(` gives it back as text. */
function closed(value: string): string {
  let open: number | undefined;
  for (const { 0: token, index } of value.matchAll(/\$\$|\$\(|\)/g)) {
    if (token === '$(') open ??= index;
    else if (token === ')') open = undefined;
  }
  if (open === undefined) return value;
  return (
    value.slice(0, open) +
    value.slice(open).replaceAll(/\$\$|\$\(/g, (token) => (token === '$(' ? '$$(' : token))
  );
}
