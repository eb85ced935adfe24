import { z } from 'zod';
import { cel } from './schema.ts';
import { isForSpark, RESERVED_VARIABLES, VARIABLE_NAME } from './variable-name.ts';

/** One word of the launcher's, whatever the value; in the syntax that RE2 and ECMAScript share. */
const PROPERTY_NAME = '^spark[.][A-Za-z0-9._-]+$';

/**
 * Properties whose values Spark itself writes in plain text into the specs and labels of pods: variables and Java
 * options of executors, all of spark.kubernetes, spark.driver and spark.executor, what an executor must know before it
 * can ask its driver (SparkConf.isExecutorStartupConf, SecurityManager's secret and passwords), class paths, the name of
 * the application. And properties that name code or what Spark hides: security: a secret must not become code.
 */
const REFUSED =
  '^spark[.](executorEnv[.]|kubernetes[.]|app[.](name|id)$|port[.]|auth|rpc|network|ssl|driver[.]|executor[.]|task[.]|local[.]dir$|master$|submit[.]|jars|files$|archives$|plugins|pyspark[.]|extraListeners$|sql[.]extensions$|sql[.]hive[.]metastore[.]jars|redaction[.])|[.](extraJavaOptions|defaultJavaOptions|extraClassPath|extraLibraryPath|port)$';

export const propertyName = z
  .string()
  .min(1)
  .max(253)
  .meta(
    cel(
      [
        `self.matches('${PROPERTY_NAME}')`,
        'must be the name of a Spark property: spark. and then letters, digits, ., _ and -',
      ],
      [
        `!self.matches('${REFUSED}')`,
        'is a property that Spark writes in plain text into pods, needs before, or loads code by (the list is in docs/spark.md); for a variable use env',
      ],
    ),
  );

const name = new RegExp(PROPERTY_NAME);
const refused = new RegExp(REFUSED);
const isVariable = new RegExp(VARIABLE_NAME);
const isReserved = new RegExp(RESERVED_VARIABLES);
const HADOOP = 'spark.hadoop.';

/**
 *  hadoop  Hadoop expands `${env.X}` in it in each JVM, so nothing but the name of a variable is written anywhere
 *  plain   no version substitutes it everywhere: the value itself is in the configuration of the driver
 */
export type PropertyKind = 'hadoop' | 'plain';

/** The kind of a property that a secret may become; undefined for any other. */
export function propertyKind(property: string): PropertyKind | undefined {
  if (property.length > 253 || !name.test(property) || refused.test(property)) return undefined;
  return property.startsWith(HADOOP) ? 'hadoop' : 'plain';
}

/** A variable of executors alone. */
const EXECUTOR_ENV = 'spark.executorEnv.';

/** The variable of `spark.executorEnv.NAME`, if it is one that a secret may become. */
export function executorVariable(property: string): string | undefined {
  if (!property.startsWith(EXECUTOR_ENV) || property.length > 253) return undefined;
  const variable = property.slice(EXECUTOR_ENV.length);
  const isFree = isVariable.test(variable) && !isReserved.test(variable) && !isForSpark(variable);
  return isFree ? variable : undefined;
}

/** spark.redaction.regex as Spark has it by default: other keys are shown in its UI and its event log. */
const REDACTED = /secret|password|token|access[.]?key/i;

export function isRedacted(property: string): boolean {
  return REDACTED.test(property);
}
