/**
 * Names that change how a process is loaded or that Fairlead and Kubernetes set themselves: a secret must not
 * be able to become code. As a regular expression in the syntax that RE2 and ECMAScript share.
 */
export const RESERVED_VARIABLES =
  '^(FAIRLEAD_.*|KUBERNETES_.*|LD_.*|SPARK_SUBMIT_OPTS|NODE_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|BASH_ENV|ENV|PYTHONSTARTUP|PYTHONPATH|PYTHONHOME|PERL5OPT|RUBYOPT|PATH)$';
export const VARIABLE_NAME = '^[A-Za-z_][A-Za-z0-9_]*$';

/**
 * Names by which Spark and Hadoop find their code, or that Spark itself sets in executors, which an entry by a
 * secretKeyRef would replace. A reference may name one for a pod; no import makes one, and no executor is handed one.
 */
export const SPARK_VARIABLES = '^(_?SPARK_.*|PYSPARK_.*|HADOOP_.*|JAVA_HOME|CLASSPATH)$';

const forSpark = new RegExp(SPARK_VARIABLES);

export function isForSpark(variable: string): boolean {
  return forSpark.test(variable);
}
