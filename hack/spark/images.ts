import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Image, ImageConfig, LayerFile } from '../cluster/images.ts';
import { tar } from '../cluster/tar.ts';
import { together } from '../cluster/together.ts';
import type { BuildOptions } from '../cluster/tools.ts';
import { BASE } from './base-layer.ts';
import type { LayerRecipe } from './layers.ts';
import { ensureLayer } from './layers.ts';
import { NOTEBOOK } from './notebook-layer.ts';
import { s3aLayer } from './s3a-layer.ts';
import { sparkLayer } from './spark-layer.ts';
import type { SparkPin, SparkVersion } from './versions.ts';
import { NEWEST, pinOf, SPARK_VERSIONS } from './versions.ts';

export const sparkImage = (version: SparkVersion): string => `fairlead.local/spark:${version}`;
export const NOTEBOOK_IMAGE = 'fairlead.local/notebook:1';
/** Where an image has the Python files of test/spark/apps. */
export const APPS = '/opt/apps';
const APPS_DIR = fileURLToPath(new URL('../../test/spark/apps', import.meta.url));

export type ImageName = SparkVersion | 'notebook';
export const ALL_IMAGES: readonly ImageName[] = [...SPARK_VERSIONS, 'notebook'];

/** The images with their layers, each built once on a machine; they share what they have in common. */
export async function ensureImages(
  names: readonly ImageName[],
  options: BuildOptions = {},
): Promise<Image[]> {
  const recipes = new Map(names.flatMap(recipesOf).map((recipe) => [recipe.name, recipe]));
  const layers = new Map<string, LayerFile>();
  // Mostly downloads: side by side.
  await together(
    options.signal,
    [...recipes.values()].map((recipe) => async (signal) => {
      layers.set(recipe.name, await ensureLayer(recipe, { ...options, signal }));
    }),
  );
  const own = ownLayer();
  return names.map((name) => ({
    name: name === 'notebook' ? NOTEBOOK_IMAGE : sparkImage(name),
    layers: [...recipesOf(name).flatMap((recipe) => layers.get(recipe.name) ?? []), own],
    config: name === 'notebook' ? notebookConfig(pinOf(NEWEST)) : sparkConfig(pinOf(name)),
  }));
}

function recipesOf(name: ImageName): LayerRecipe[] {
  const pin = pinOf(name === 'notebook' ? NEWEST : name);
  return [BASE, sparkLayer(pin), s3aLayer(pin), ...(name === 'notebook' ? [NOTEBOOK] : [])];
}

/** What changes while one works on it: small, and made anew each time. */
function ownLayer(): Buffer {
  const entrypoint = readFileSync(new URL('entrypoint.sh', import.meta.url));
  const apps = readdirSync(APPS_DIR).filter((name) => name.endsWith('.py'));
  return tar([
    { path: 'opt', directory: true },
    { path: 'opt/entrypoint.sh', data: entrypoint, mode: 0o755 },
    { path: APPS.slice(1), directory: true },
    ...apps.sort().map((name) => ({
      path: `${APPS.slice(1)}/${name}`,
      data: readFileSync(`${APPS_DIR}/${name}`),
    })),
  ]);
}

function environment({ py4j }: SparkPin): string[] {
  return [
    'PATH=/opt/spark/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'JAVA_HOME=/usr/lib/jvm/java',
    'SPARK_HOME=/opt/spark',
    `PYTHONPATH=${APPS}:/opt/spark/python:/opt/spark/python/lib/${py4j}`,
    'LANG=C.UTF-8',
    // On two cores most of a short job is the compilers of its JVMs.
    'JDK_JAVA_OPTIONS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1',
  ];
}

function sparkConfig(pin: SparkPin): ImageConfig {
  return {
    Entrypoint: ['/usr/bin/tini', '-s', '--', '/opt/entrypoint.sh'],
    Env: environment(pin),
    WorkingDir: '/opt/spark/work-dir',
    User: '185',
  };
}

function notebookConfig(pin: SparkPin): ImageConfig {
  return {
    Entrypoint: ['/usr/bin/tini', '-s', '--'],
    Cmd: ['jupyterhub-singleuser'],
    Env: [...environment(pin), 'HOME=/home/jovyan'],
    WorkingDir: '/home/jovyan',
    User: '1000',
  };
}
