import { legacyProperties, takePlaceholders, type LegacyProperty } from '../../admission/spark-conf.ts';
import { FAIRLEAD_PROPERTIES, LIMITS, SPARK_PROPERTIES } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import { KubeError } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { Problem } from '../../resolve/problem.ts';
import type { Clock } from '../../runtime/clock.ts';
import { later, waiting, type Outcome } from '../../runtime/outcome.ts';
import type { LiveReads } from '../live.ts';
import { domainNamespace, type GatedPod } from '../objects.ts';
import { whyRefused } from '../why-refused.ts';
import { hold } from './decide.ts';

export interface LegacySparkDependencies {
  /** --legacy-spark: placeholders in Spark configuration are served. */
  readonly legacySpark?: boolean;
  readonly live: LiveReads;
  readonly clock: Clock;
}

export type LegacySpark =
  | { readonly kind: 'lines'; readonly lines: readonly LegacyProperty[] }
  | { readonly kind: 'wait'; readonly outcome: Outcome };

/** What of a driver's ConfigMap counts: it is written after the pod, and never again. */
export interface DriverConfigMap {
  readonly immutable: boolean;
  readonly ownerUids: readonly string[];
  readonly properties: string;
  readonly taken: string;
}

export function driverConfigMap(raw: KubeObject): DriverConfigMap {
  const { immutable, data } = raw as { immutable?: boolean; data?: Record<string, string> };
  const owners = raw.metadata.ownerReferences ?? [];
  const of = new Map(Object.entries(data ?? {}));
  return {
    immutable: immutable === true,
    ownerUids: owners.flatMap(({ kind, uid }) => (kind === 'Pod' ? uid : [])),
    properties: of.get(SPARK_PROPERTIES) ?? '',
    taken: of.get(FAIRLEAD_PROPERTIES) ?? '',
  };
}

/**
 * The Spark properties with placeholders of a driver in a legacy namespace: those that admission took out of its
 * ConfigMap. spark-submit makes it after the pod, which is gated meanwhile, so it is asked for again and again.
 */
export async function legacySpark(
  pod: GatedPod,
  signal: AbortSignal,
  deps: LegacySparkDependencies,
): Promise<LegacySpark> {
  const name = pod.spark?.configMap;
  const none: LegacySpark = { kind: 'lines', lines: [] };
  if (name === undefined) return none;
  const { namespace = '' } = pod.metadata;
  const onlyForThis = [pod.references, pod.storages, pod.placeholders].every(({ length }) => length === 0);
  const read = deps.legacySpark === true && (await isLegacy(namespace, pod.seenAt, signal, deps));
  if (!read) return onlyForThis ? waits(SWITCHED_OFF) : none;
  const found = await readConfigMap({ namespace, name }, signal, deps);
  if (found === undefined) return { kind: 'wait', outcome: untilThere(name, ageOf(pod, deps.clock)) };
  if ('reason' in found) return waits(found);
  const lines = legacyProperties(found.taken);
  const problem = configMapProblem(name, pod.metadata.uid, found) ?? tooMuch(name, lines);
  return problem ? waits(problem) : { kind: 'lines', lines };
}

function waits(problem: Problem): LegacySpark {
  return { kind: 'wait', outcome: hold([problem]) };
}

/** security: each placeholder is resolved, audited and put together, and a ConfigMap has room for 80,000 of them. */
function tooMuch(name: string, lines: readonly LegacyProperty[]): Problem | undefined {
  const pieces = lines.reduce((sum, line) => sum + line.pieces.length, 0);
  if (lines.length <= LIMITS.legacyProperties && pieces <= LIMITS.legacyPieces) return undefined;
  return {
    reason: 'TooLarge',
    message: `the ConfigMap ${name} has more than ${LIMITS.legacyProperties} properties with placeholders, or more than ${LIMITS.legacyPieces} pieces in their values: use a SecretReference`,
  };
}

/** Read anew: if the label were not seen yet, the driver would start without its properties. */
async function isLegacy(
  name: string,
  notBefore: number,
  signal: AbortSignal,
  { live }: LegacySparkDependencies,
): Promise<boolean> {
  const found = await live.get(RESOURCES.namespaces, { name }, domainNamespace, { notBefore, signal });
  return found?.legacy === true;
}

async function readConfigMap(
  ref: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
  { live, clock }: LegacySparkDependencies,
): Promise<DriverConfigMap | Problem | undefined> {
  try {
    return await live.get(RESOURCES.configMaps, ref, driverConfigMap, { notBefore: clock.now(), signal });
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 'Forbidden') throw error;
    const message = `Fairlead may not read the ConfigMap ${ref.name} with the Spark configuration (${whyRefused(error)}): apply config/legacy-spark`;
    return { reason: 'DeliveryRefused', message };
  }
}

/** security: a ConfigMap of somebody else's, or one that can still change, is not what admission saw. */
export function configMapProblem(
  name: string,
  podUid: string,
  { immutable, ownerUids, properties, taken }: DriverConfigMap,
): Problem | undefined {
  if (takePlaceholders(properties).taken !== '') {
    return notSupported(`${name} holds placeholders that Fairlead's webhook did not take out of it`);
  }
  if (taken === '') return undefined;
  if (!immutable) return notSupported(`${name} is not immutable`);
  if (!ownerUids.includes(podUid)) return notSupported(`${name} does not belong to this driver`);
  return undefined;
}

function notSupported(what: string): Problem {
  return {
    reason: 'NotSupportedHere',
    message: `the ConfigMap ${what}, so its Spark configuration cannot be served; submit again`,
  };
}

const SWITCHED_OFF: Problem = {
  reason: 'NotSupportedHere',
  message:
    'placeholders in Spark configuration are for namespaces with the label fairlead.dev/legacy-placeholders: enabled, and where Fairlead runs with --legacy-spark',
};

/** spark-submit makes the ConfigMap right after the pod, and nobody is told of that. Later it may be dead. */
const POLL_MS = { young: 1_000, old: 30_000 } as const;
/** The tenth part of a driver's age: what comes late, came late anyway. */
const SHARE_OF_AGE = 0.1;
const USUAL_MS = 15_000;

/**
 * Passes of one namespace take turns with those of the others, so drivers that never get theirs cost a request now and
 * then and keep nobody waiting.
 */
function untilThere(name: string, ageMs: number): Outcome {
  const pollMs = Math.min(Math.max(ageMs * SHARE_OF_AGE, POLL_MS.young), POLL_MS.old);
  if (ageMs < USUAL_MS) return later(pollMs);
  const message = `the ConfigMap ${name} with the Spark configuration, which spark-submit makes for its driver, is not there`;
  return waiting('ConfigMapNotFound', message, pollMs);
}

function ageOf({ metadata: { creationTimestamp } }: GatedPod, clock: Clock): number {
  const created = Date.parse(creationTimestamp ?? '');
  return Number.isNaN(created) ? 0 : clock.wall().getTime() - created;
}
