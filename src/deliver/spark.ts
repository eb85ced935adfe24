import { createHash } from 'node:crypto';
import { CONF_VARIABLE_PREFIX, LIMITS, SPARK_OPTIONS_VARIABLE, SPARK_SUBMIT_OPTS } from '../api/names.ts';
import type { Reason } from '../api/reasons.ts';
import { isRedacted, propertyKind } from '../api/spark-property.ts';
import { isForSpark } from '../api/variable-name.ts';
import { launcherWord } from './launcher.ts';

/** What a delivery hands to Spark, and to whom. */
export interface SparkContents {
  /** The name of the delivery. */
  readonly delivery: string;
  /** A driver makes executors, and its configuration goes no further. */
  readonly role?: 'driver' | 'executor' | undefined;
  /** The variables that executors get as well, by their names; not those that Spark itself sets or obeys. */
  readonly variables: Iterable<string>;
  /** The values of Spark properties. */
  readonly properties: ReadonlyMap<string, Buffer>;
  /** Variables of executors only: what was `spark.executorEnv.X`. */
  readonly executorEnv?: ReadonlyMap<string, Buffer>;
  /** The most bytes that the pod itself puts beside our options in one env value; undefined if none names them. */
  readonly beside?: number | undefined;
}

export interface SparkProblem {
  readonly reason: Reason;
  readonly message: string;
  /** The property. */
  readonly entry?: string;
}

export interface SparkData {
  /** What is added to the delivery. */
  readonly data: ReadonlyMap<string, Buffer>;
  readonly problems: readonly SparkProblem[];
  /** The properties whose values Spark shows in its UI and its event log. */
  readonly shown: readonly string[];
}

/**
 * The variable that holds the value of a property. Always the same for one property: a driver that is started by another
 * one has its options copied, and a number would stand for another property there.
 */
export function confVariable(property: string): string {
  return (
    CONF_VARIABLE_PREFIX + createHash('sha256').update(property).digest('hex').slice(0, 16).toUpperCase()
  );
}

/**
 * Spark's own options for what a delivery holds. `spark.hadoop.*` names a variable, which Hadoop reads in each JVM; the
 * value of any other property stands in the option. Executors get a variable by the option that makes Spark write a
 * secretKeyRef into them, so that they need neither Fairlead nor a Secret of their own.
 */
export function sparkData(contents: SparkContents): SparkData {
  const { delivery, role, properties, executorEnv = new Map<string, Buffer>(), beside } = contents;
  const driver = role === 'driver';
  const data = new Map<string, Buffer>();
  const options: string[] = [];
  const problems: SparkProblem[] = [];
  const shown: string[] = [];
  const handOn = (variable: string, key: string) => {
    if (driver) options.push(`-Dspark.kubernetes.executor.secretKeyRef.${variable}=${delivery}:${key}`);
  };

  for (const variable of contents.variables)
    if (!executorEnv.has(variable) && !isForSpark(variable)) handOn(variable, variable);
  for (const [property, value] of properties) {
    if (propertyKind(property) === 'hadoop') {
      const variable = confVariable(property);
      data.set(variable, value);
      options.push(`-D${property}=\${env.${variable}}`);
      handOn(variable, variable);
    } else if (driver) {
      options.push(`-D${property}=${value.toString()}`);
      if (!isRedacted(property)) shown.push(property);
    } else if (role !== 'executor') problems.push({ entry: property, ...DRIVERS_ONLY });
    // Executors have the configuration of their driver.
  }
  if (driver) {
    for (const [variable, value] of executorEnv) {
      const key = confVariable(`spark.executorEnv.${variable}`);
      data.set(key, value);
      handOn(variable, key);
    }
  }

  const text = Buffer.from(options.map(launcherWord).join(' '));
  if (text.length > 0 || beside !== undefined) data.set(SPARK_OPTIONS_VARIABLE, text);
  // Not an empty one: it would hide that of the image.
  if (text.length > 0) data.set(SPARK_SUBMIT_OPTS, text);
  if (isTooLong(text, beside)) problems.push(TOO_LONG);
  return { data, problems: [...problems, ...oversized(data)], shown };
}

const DRIVERS_ONLY: SparkProblem = {
  reason: 'NotSupportedHere',
  message:
    'only spark.hadoop.* is for pods that are no Spark drivers: the value of any other property would be copied into the ConfigMap of a job that the pod submits; a pod that runs executors itself needs the label spark-role: driver',
};

const TOO_LONG: SparkProblem = {
  reason: 'TooLarge',
  message: `the options for Spark are over ${LIMITS.variableBytes} bytes together (SPARK_SUBMIT_OPTS): hand fewer variables or shorter properties to the driver`,
};

/** Each is a variable: alone, and after what the pod has written itself. */
function isTooLong({ length }: Buffer, beside = 0): boolean {
  const longest = Math.max(
    SPARK_OPTIONS_VARIABLE.length + 1 + length,
    SPARK_SUBMIT_OPTS.length + 1 + beside + length,
  );
  return length > 0 && longest > LIMITS.variableBytes;
}

function oversized(data: ReadonlyMap<string, Buffer>): SparkProblem[] {
  const over = [...data].some(
    ([name, { length }]) =>
      name.startsWith(CONF_VARIABLE_PREFIX) && name.length + 1 + length > LIMITS.variableBytes,
  );
  if (!over) return [];
  return [
    { reason: 'TooLarge', message: `the value of a Spark property is over ${LIMITS.variableBytes} bytes` },
  ];
}
