import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ENTRYPOINT = fileURLToPath(new URL('entrypoint.sh', import.meta.url));
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairlead-entrypoint-'));
  mkdirSync(join(dir, 'bin'));
  // Stand-ins that print their words, each ended by NUL.
  for (const name of ['spark-submit', 'java']) {
    writeFileSync(join(dir, 'bin', name), `#!/bin/bash\nprintf '%s\\0' ${name} "$@"\n`);
    chmodSync(join(dir, 'bin', name), 0o755);
  }
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function words(args: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const paths = { PATH: process.env['PATH'] ?? '', SPARK_HOME: dir, JAVA_HOME: dir };
  const run = promisify(execFile)('bash', [ENTRYPOINT, ...args], { cwd: dir, env: { ...paths, ...env } });
  return (await run).stdout.split('\0').slice(0, -1);
}

const EXECUTOR = {
  SPARK_EXECUTOR_MEMORY: '512m',
  SPARK_DRIVER_URL: 'spark://driver',
  SPARK_EXECUTOR_ID: '1',
  SPARK_EXECUTOR_CORES: '2',
  SPARK_APPLICATION_ID: 'app',
  SPARK_EXECUTOR_POD_IP: '10.0.0.9',
  SPARK_RESOURCE_PROFILE_ID: '0',
  SPARK_EXECUTOR_POD_NAME: 'job-exec-1',
};

describe("the images' entrypoint", () => {
  it('starts a driver in client mode on its own address', async () => {
    const args = ['driver', '--properties-file', '/p', 'local:///a b.py', 'an argument'];
    expect(await words(args, { SPARK_DRIVER_BIND_ADDRESS: '10.0.0.8' })).toEqual([
      'spark-submit',
      ...['--conf', 'spark.driver.bindAddress=10.0.0.8'],
      ...['--conf', 'spark.executorEnv.SPARK_DRIVER_POD_IP=10.0.0.8'],
      ...['--deploy-mode', 'client', ...args.slice(1)],
    ]);
  });

  it('starts an executor with the options in order, each as one word, whatever is in it', async () => {
    const options = Array.from({ length: 11 }, (_, index) => `-Dn=${index} "$HOME" 'x'\n-Dy`);
    const env = Object.fromEntries(options.map((option, index) => [`SPARK_JAVA_OPT_${index}`, option]));
    const [command, ...given] = await words(['executor'], { ...EXECUTOR, ...env });
    expect(command).toBe('java');
    expect(given.slice(0, 11)).toEqual(options);
    const main = given.indexOf('org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend');
    expect(given.slice(11, main)).toEqual(['-Xms512m', '-Xmx512m', '-cp', `${dir}/jars/*:${dir}`]);
    expect(given.slice(main + 1)).toEqual([
      ...['--driver-url', 'spark://driver', '--executor-id', '1', '--cores', '2', '--app-id', 'app'],
      ...['--hostname', '10.0.0.9', '--resourceProfileId', '0', '--podName', 'job-exec-1'],
    ]);
  });

  it('puts configuration before, and a Hadoop of its own after Spark', async () => {
    const env = {
      SPARK_CONF_DIR: '/conf',
      HADOOP_CONF_DIR: '/hadoop',
      SPARK_CLASSPATH: '/mine',
      SPARK_DIST_CLASSPATH: '/dist',
    };
    const given = await words(['executor'], { ...EXECUTOR, ...env });
    expect(given[given.indexOf('-cp') + 1]).toBe(`/conf:/hadoop:/mine:${dir}/jars/*:${dir}:/dist`);
  });

  it('runs anything else as it is, and says what a driver or executor lacks', async () => {
    expect(await words([join(dir, 'bin/java'), '-version'])).toEqual(['java', '-version']);
    await expect(words(['driver'])).rejects.toThrow(/SPARK_DRIVER_BIND_ADDRESS/);
    await expect(words(['executor'])).rejects.toThrow(/SPARK_EXECUTOR_MEMORY/);
  });
});
