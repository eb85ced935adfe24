import { describe, expect, it } from 'vitest';
import { executorVariable, isRedacted, propertyKind } from './spark-property.ts';

describe('a Spark property that a secret may become', () => {
  it.each([
    ['spark.hadoop.fs.s3a.secret.key', 'hadoop'],
    ['spark.hadoop.fs.s3a.bucket.my-bucket_1.access.key', 'hadoop'],
    ['spark.sql.catalog.lake.password', 'plain'],
    ['spark.ui.auth', 'plain'],
    ['spark.report', 'plain'],
    ['spark.app.db.password', 'plain'],
    ['spark.app.identity', 'plain'],
    ['spark.sql.catalog.lake', 'plain'],
    ['spark.local.directory', 'plain'],
    ['spark.driverless.key', 'plain'],
    ['spark.hadoop.fs.s3a.jars.key', 'hadoop'],
  ])('is %s: %s', (property, kind) => expect(propertyKind(property)).toBe(kind));

  it.each([
    ...['spark.executorEnv.A', 'spark.kubernetes.driver.label.x', 'spark.executor.extraJavaOptions'],
    ...['spark.driver.defaultJavaOptions', 'spark.driver.extraClassPath', 'spark.executor.extraLibraryPath'],
    ...['spark.authenticate.secret', 'spark.authenticate', 'spark.rpc.x', 'spark.network.crypto.x'],
    ...[
      'spark.ssl.rpc.keyPassword',
      'spark.driver.port',
      'spark.port.maxRetries',
      'spark.app.name',
      'spark.app.id',
    ],
    ...['spark.local.dir', 'spark.driver.host', 'spark.driver.bindAddress', 'spark.executor.cores'],
    ...['spark.executor.memory', 'spark.executor.resource.gpu.vendor', 'spark.task.cpus', 'spark.master'],
    ...['spark.jars', 'spark.jars.packages', 'spark.files', 'spark.archives', 'spark.plugins'],
    ...['spark.submit.pyFiles', 'spark.pyspark.python', 'spark.extraListeners', 'spark.sql.extensions'],
    ...['spark.sql.hive.metastore.jars.path', 'spark.redaction.regex'],
    ...['spark.', 'spark', 'hadoop.x', 'SPARK.x', 'spark.a b', 'spark.a=b', 'spark.a -Dspark.b', '-Dspark.a'],
    ...['spark.a"', "spark.a'", 'spark.a\\', 'spark.a\n', 'spark.${x}', 'spark.ü', 'spark.a:b', 'spark.a/b'],
    `spark.${'x'.repeat(248)}`,
  ])('is not %j', (property) => expect(propertyKind(property)).toBeUndefined());

  it('is hidden by Spark if its name matches the default of spark.redaction.regex', () => {
    const hidden = [
      'spark.a.password',
      'spark.Secret.x',
      'spark.TOKEN',
      'spark.access.key',
      'spark.accesskey',
    ];
    expect(hidden.every(isRedacted)).toBe(true);
    expect(['spark.a.key', 'spark.accessXkey', 'spark.pass'].some(isRedacted)).toBe(false);
  });

  it.each([
    ['spark.executorEnv.DB_PASSWORD', 'DB_PASSWORD'],
    ['spark.executorEnv.LD_PRELOAD', undefined],
    ['spark.executorEnv.FAIRLEAD_X', undefined],
    ['spark.executorEnv.SPARK_DRIVER_URL', undefined],
    ['spark.executorEnv._SPARK_AUTH_SECRET', undefined],
    ['spark.executorEnv.HADOOP_USER_NAME', undefined],
    ['spark.executorEnv.JAVA_HOME', undefined],
    ['spark.executorEnv.a.b', undefined],
    ['spark.executorEnv.', undefined],
    ['spark.hadoop.a', undefined],
  ])('is for executors alone: the variable of %s is %s', (property, variable) => {
    expect(executorVariable(property)).toBe(variable);
  });
});
