import { LIMITS, PLACEHOLDER_VARIABLE_PREFIX, SPARK_OPTIONS_VARIABLE } from '../../api/names.ts';
import type { LegacyProperty } from '../../admission/spark-conf.ts';
import { executorVariable, propertyKind } from '../../api/spark-property.ts';
import { sparkData } from '../../deliver/spark.ts';
import type { Problem } from '../../resolve/problem.ts';
import { fitProperty, NOT_A_PROPERTY, type Piece } from '../../resolve/property-value.ts';
import type { Counts, Resolution } from '../../resolve/resolve.ts';
import { fit, fitsTogether, tooLong, type Fitted } from '../../resolve/value.ts';
import type { GatedPod } from '../objects.ts';
import { filledOptions } from './own-options.ts';

/** All that a delivery holds. */
export interface Contents {
  readonly data: ReadonlyMap<string, Buffer>;
  readonly problems: readonly Problem[];
  /** Spark properties whose values Spark shows. */
  readonly shown: readonly string[];
  /** What of it was asked for, for people to read: without what carries it. */
  readonly counts: Counts;
}

/** What says of a pod which Spark options it gets. */
export interface SparkAsking extends Pick<GatedPod, 'spark'> {
  readonly delivery: string;
  /** Those of a driver's ConfigMap; their secrets are among the variables that are resolved. */
  readonly lines: readonly LegacyProperty[];
  /** The placeholders of its env. */
  readonly inEnv: readonly string[];
}

/**
 * What was resolved for a pod, with what Spark needs of it: options for a driver, and for any pod whose references have
 * Spark properties.
 */
export function deliveryContents(
  { spark, delivery, lines, inEnv }: SparkAsking,
  resolution: Pick<Resolution, 'data' | 'properties'>,
): Contents {
  const legacy = composed(lines, resolution.data);
  const data = withoutUnused(resolution.data, inEnv);
  // A SecretReference says what the user wants now, a placeholder what was once.
  const properties = new Map([...legacy.properties, ...resolution.properties]);
  const own = filledOptions(spark?.ownOptions ?? [], data);
  const made = sparkData({
    delivery,
    role: spark?.role,
    // Placeholders of the driver's env are for the driver.
    variables: [...data.keys()].filter((name) => !name.startsWith(PLACEHOLDER_VARIABLE_PREFIX)),
    properties,
    executorEnv: legacy.executorEnv,
    beside: own?.bytes,
  });
  const all = new Map([...data, ...made.data]);
  const given = (all.get(SPARK_OPTIONS_VARIABLE)?.length ?? 0) > 0;
  return {
    data: all,
    problems: [
      ...legacy.problems,
      ...made.problems,
      ...(given && own?.breaks ? [BREAKS] : []),
      ...(isTooMuch(all) ? [TOO_MUCH] : []),
    ],
    shown: made.shown,
    counts: { variables: data.size + legacy.executorEnv.size, properties: properties.size },
  };
}

/** Without what only properties with placeholders need, in which it stands already. */
function withoutUnused(data: ReadonlyMap<string, Buffer>, inEnv: readonly string[]): Map<string, Buffer> {
  const used = new Set(inEnv.map((key) => PLACEHOLDER_VARIABLE_PREFIX + key));
  return new Map(
    [...data].filter(([name]) => !name.startsWith(PLACEHOLDER_VARIABLE_PREFIX) || used.has(name)),
  );
}

/** The values of properties with placeholders, as far as these were found. */
function composed(lines: readonly LegacyProperty[], data: ReadonlyMap<string, Buffer>) {
  const [properties, executorEnv] = [new Map<string, Buffer>(), new Map<string, Buffer>()];
  const problems: Problem[] = [];
  let bytes = 0;
  for (const { property, pieces } of lines) {
    const found = pieces.flatMap((piece): Piece[] => {
      if (typeof piece === 'string') return [{ value: piece, isSecret: false }];
      const value = data.get(PLACEHOLDER_VARIABLE_PREFIX + piece.key);
      return value ? [{ value, isSecret: true }] : [];
    });
    // What is missing is a problem of the placeholder already.
    if (found.length < pieces.length) continue;
    // Before anything is copied: many properties may name the same long value.
    bytes += found.reduce((sum, { value }) => sum + value.length, 0);
    if (bytes > LIMITS.deliveryBytes) return { properties, executorEnv, problems: [...problems, TOO_MUCH] };
    const variable = executorVariable(property);
    const fitted = variable === undefined ? fitPieces(property, found) : fitVariable(variable, found);
    if (!fitted.ok) problems.push({ entry: property, ...fitted.problem });
    else if (variable === undefined) properties.set(property, fitted.bytes);
    else executorEnv.set(variable, fitted.bytes);
  }
  return { properties, executorEnv, problems };
}

function fitVariable(variable: string, pieces: readonly Piece[]): Fitted {
  if (!fitsTogether(pieces)) return tooLong;
  return fit(variable, pieces.map(({ value }) => Buffer.from(value as string).toString()).join(''));
}

function fitPieces(property: string, pieces: readonly Piece[]): Fitted {
  const kind = propertyKind(property);
  return kind ? fitProperty(property, kind, pieces) : { ok: false, problem: NOT_A_PROPERTY };
}

function isTooMuch(data: ReadonlyMap<string, Buffer>): boolean {
  const bytes = [...data].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return bytes > LIMITS.deliveryBytes;
}

const TOO_MUCH: Problem = {
  reason: 'TooLarge',
  message: `all values together, with the options for Spark, are over ${LIMITS.deliveryBytes} bytes`,
};

const BREAKS: Problem = {
  reason: 'NotSupportedHere',
  message:
    "the pod's SPARK_SUBMIT_OPTS, with the secrets that it names, leaves no place for the options of Fairlead: a quote is not closed, a backslash stands at the end, or no space is around $(FAIRLEAD_SPARK_OPTS). The launcher of Spark would print all of it",
  mayPass: true,
};
