import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../cluster/exec.ts';
import { python } from '../cluster/python-tool.ts';
import type { LayerRecipe } from './layers.ts';
import { SPARK_HOME as HOME } from './layers.ts';
import type { SparkPin } from './versions.ts';

const STEP_MS = 20 * 60_000;

/** Spark as its own distribution has it below /opt/spark, from the archive that `pip install pyspark` takes. */
export function sparkLayer(pin: SparkPin): LayerRecipe {
  return {
    name: `spark-${pin.version}`,
    module: import.meta.url,
    inputs: [pin.version, pin.sha256],
    build: async (root, scratch, options) => {
      const requirements = join(scratch, 'requirements.txt');
      writeFileSync(requirements, `pyspark==${pin.version} --hash=sha256:${pin.sha256}\n`);
      const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--no-cache-dir'];
      const download = [
        '-m',
        'pip',
        'download',
        ...flags,
        '--require-hashes',
        '-d',
        scratch,
        '-r',
        requirements,
      ];
      await run(python('Spark'), download, { timeoutMs: STEP_MS, signal: options.signal });
      const archive = join(scratch, `pyspark-${pin.version}.tar.gz`);
      const wanted = ['deps/bin', 'deps/sbin', 'deps/jars', 'pyspark', 'lib'].map(
        (name) => `pyspark-${pin.version}/${name}`,
      );
      const untar = ['--no-same-owner', '-xzf', archive, '-C', scratch, ...wanted];
      await run('tar', untar, { timeoutMs: STEP_MS, signal: options.signal });
      rmSync(archive);
      const from = join(scratch, `pyspark-${pin.version}`);
      mkdirSync(join(root, HOME, 'python'), { recursive: true });
      for (const name of ['bin', 'sbin', 'jars'])
        renameSync(join(from, 'deps', name), join(root, HOME, name));
      for (const name of ['pyspark', 'lib']) renameSync(join(from, name), join(root, HOME, 'python', name));
      mkdirSync(join(root, HOME, 'work-dir'));
      chmodSync(join(root, HOME, 'work-dir'), 0o1777);
    },
  };
}
