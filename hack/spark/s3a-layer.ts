import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { ClusterError } from '../cluster/errors.ts';
import { run, tryRun, which } from '../cluster/exec.ts';
import { withLock } from '../cluster/lock.ts';
import { python } from '../cluster/python-tool.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { cacheDir } from '../cluster/tools.ts';
import type { LayerRecipe } from './layers.ts';
import { SPARK_HOME as HOME } from './layers.ts';
import type { JarPin, SparkPin } from './versions.ts';

const STEP_MS = 20 * 60_000;
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const SLIM = fileURLToPath(new URL('slim_bundle.py', import.meta.url));

/** hadoop-aws and (the part it needs of) the SDK of Amazon's that it was made for, added to Spark's jars. */
export function s3aLayer(pin: SparkPin): LayerRecipe {
  return {
    name: `s3a-${pin.version}`,
    module: import.meta.url,
    inputs: [readFileSync(SLIM, 'utf8'), ...pin.jars.map(({ sha256 }) => sha256)],
    build: async (root, scratch, options) => {
      await ensureMaven(options);
      const { signal } = options;
      const [fetched, repository] = [join(scratch, 'jars'), join(scratch, 'repository')];
      writeFileSync(join(scratch, 'pom.xml'), pom(pin.jars));
      // A repository of its own: half a gigabyte that nobody else wants goes away with it.
      const args = [
        '-q',
        '-B',
        '-f',
        scratch,
        `-Dmaven.repo.local=${repository}`,
        `-DoutputDirectory=${fetched}`,
      ];
      await run('mvn', [...args, `${PLUGIN}:copy`], { timeoutMs: STEP_MS, signal });
      const jars = join(root, HOME, 'jars');
      mkdirSync(jars, { recursive: true });
      for (const jar of pin.jars) {
        const name = `${jar.artifact}-${jar.version}.jar`;
        await check(join(fetched, name), jar);
        if (!jar.artifact.endsWith('bundle')) renameSync(join(fetched, name), join(jars, name));
        else
          await run(python('Spark'), [SLIM, join(fetched, name), join(jars, name)], {
            timeoutMs: STEP_MS,
            signal,
          });
      }
    },
  };
}

function pom(jars: readonly JarPin[]): string {
  const items = jars.map(
    ({ group, artifact, version }) =>
      `<artifactItem><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></artifactItem>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>dev.fairlead</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
<build><plugins><plugin>
<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>
<configuration><artifactItems>${items.join('\n')}</artifactItems></configuration>
</plugin></plugins></build>
</project>
`;
}

async function check(file: string, { sha256 }: JarPin): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== sha256)
    throw new ClusterError('BAD_STATE', `${file} is not the file that was pinned`);
}

async function ensureMaven({ log, signal }: BuildOptions): Promise<void> {
  if (which('mvn') !== undefined) return;
  const lock = { what: 'installing Maven', timeoutMs: STEP_MS, log, signal };
  await withLock(join(cacheDir(), 'packages.lock'), lock, async () => {
    if (which('mvn') !== undefined) return;
    log?.('installing maven');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const args = ['-o', 'DPkg::Lock::Timeout=300', 'install', '--yes', '--no-install-recommends', 'maven'];
    const how = { timeoutMs: STEP_MS, env, signal };
    if ((await tryRun('apt-get', args, how)) !== undefined) return;
    await run('apt-get', ['update'], how);
    await run('apt-get', args, how);
  });
}
