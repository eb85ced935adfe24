import { SPARK_OPTIONS_VARIABLE, SPARK_SUBMIT_OPTS } from '../api/names.ts';
import { allContainers, withField, type Container, type EnvVar, type Pod } from './pod-shape.ts';

/**
 * An explicit env entry wins over envFrom, so a SPARK_SUBMIT_OPTS that the pod sets itself would hide that of the
 * delivery. It gets `$(FAIRLEAD_SPARK_OPTS)` behind it, which the kubelet fills from the delivery. Left alone, the text
 * would stand there as it is and break the JVM: the delivery of such a pod always has the variable, empty if need be.
 */
const REFERENCE = `$(${SPARK_OPTIONS_VARIABLE})`;
const SUFFIX = ` ${REFERENCE}`;
const reference = new RegExp(`(?<!\\$)\\$\\(${SPARK_OPTIONS_VARIABLE}\\)`);

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

/** The bytes that the pod puts beside our options in the longest value that names them; undefined if none does. */
export function besideOptions(pod: Pod): number | undefined {
  const values = allContainers(pod).flatMap(({ env }) => (env ?? []).filter(namesOptions));
  if (values.length === 0) return undefined;
  return Math.max(...values.map(({ value }) => Buffer.byteLength(value ?? '') - REFERENCE.length));
}

function namesOptions({ value }: EnvVar): boolean {
  return reference.test(value ?? '');
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
