import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureImage, type BuiltImage } from '../../hack/image/build.ts';
import { ROOT } from '../../hack/image/inputs.ts';
import { SECRET_MARK } from '../../hack/image/npm-access.ts';
import { scratch, type KubeJson } from '../support/cluster.ts';

/** What stands in the archive that `make image` makes. That it runs is in installed.test.ts. */
const run = promisify(execFile);
let dir: string;
let image: BuiltImage;
let config: KubeJson;
let layers: string[];
let files: string[];

beforeAll(async () => {
  dir = await scratch('image');
  image = await ensureImage({ revision: 'test', log: (line) => console.log(line) });
  await run('tar', ['-xf', image.archive, '-C', dir]);
  const blob = (digest: string) => join(dir, 'blobs', digest.replace(':', '/'));
  const json = async (file: string): Promise<KubeJson> => JSON.parse(await readFile(file, 'utf8'));
  const index = await json(join(dir, 'index.json'));
  expect(index.manifests).toMatchObject([{ annotations: { 'io.containerd.image.name': image.name } }]);
  const manifest = await json(blob(index.manifests[0].digest));
  config = await json(blob(manifest.config.digest));
  layers = manifest.layers.map(({ digest }: KubeJson) => blob(digest));
  const lists = await Promise.all(
    layers.map(async (layer) => (await run('tar', ['-tvzf', layer], { maxBuffer: 64 << 20 })).stdout),
  );
  files = lists.join('').split('\n').filter(Boolean);
  const packed = manifest.layers.reduce((sum: number, { size }: KubeJson) => sum + size, 0);
  const unpacked = files.reduce((sum, line) => sum + Number(line.split(/\s+/)[2]), 0);
  console.log(`image: ${mb(packed)} MB packed, ${mb(unpacked)} MB unpacked, ${files.length} files`);
}, 1_200_000);
afterAll(async () => rm(dir, { recursive: true, force: true }));

const mb = (bytes: number) => Math.round(bytes / 1e6);
const pathOf = (line: string) =>
  line
    .split(/\s+/)
    .slice(5)
    .join(' ')
    .replace(/ -> .*/, '');
const paths = () => files.map(pathOf);

describe('the image', () => {
  it('runs src/main.ts as user 65532 with the flags without which Fairlead refuses to start', () => {
    expect(config.config).toMatchObject({
      User: '65532:65532',
      WorkingDir: '/app',
      Entrypoint: ['node', '--disable-sigusr1', '--report-exclude-env', '--optimize-for-size', 'src/main.ts'],
    });
    expect(paths()).toContain('app/src/main.ts');
  });

  it('says what it is', async () => {
    const { version, license } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(config.config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'Fairlead',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': 'test',
      'org.opencontainers.image.licenses': license,
    });
  });

  it('has one program, and no shell or package manager', () => {
    const programs = files.filter((line) => /^-..x/.test(line) && !line.includes('app/node_modules/'));
    const names = programs.map(pathOf).filter((path) => !/\.so(\.\d+)*$/.test(path));
    expect(names).toEqual(['usr/local/bin/node']);
    expect(
      paths().filter((path) => /(^|\/)(npm|npx|corepack|yarn|busybox|sh|bash|dash)$/.test(path)),
    ).toEqual([]);
  });

  it('has the policies that the controller compares the cluster with, and no other manifests', () => {
    const config = paths().filter((path) => path.startsWith('app/config/') && !path.endsWith('/'));
    expect(config).toContain('app/config/policies/fence-secrets.yaml');
    expect(config).toContain('app/config/strict/deliveries-own.yaml');
    expect(config.filter((path) => !/^app\/config\/(policies|strict)\//.test(path))).toEqual([]);
  });

  it('brings what Node makes of the sources where Node looks for it as user 65532', () => {
    const folder = 'app/compile-cache';
    expect(config.config.Env).toContain(`NODE_COMPILE_CACHE=/${folder}`);
    const inside = paths().filter((path) => path.startsWith(`${folder}/`) && !path.endsWith('/'));
    const [, version, user] = /^app\/compile-cache\/(v24\.[\d.]+)-.*-(\d+)\//.exec(inside[0] ?? '') ?? [];
    expect({ version, user }).toEqual({ version: process.version, user: '65532' });
    // As many as there are sources, at the least. That it is used: installed.test.ts looks at the memory of each role.
    const sources = paths().filter((path) => /^app\/src\/(?!kubectl\/).*\.ts$/.test(path));
    expect(inside.length).toBeGreaterThan(sources.length * 0.8);
  });

  it('has no tests, and of the packages only those of production, without axios', async () => {
    expect(paths().filter((path) => /^app\/src\/.*(\.test\.ts|test-support\.ts)$/.test(path))).toEqual([]);
    const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
    const allowed = Object.entries<KubeJson>(lock.packages).flatMap(([path, { dev }]) => (dev ? [] : [path]));
    const folders = paths().flatMap(
      (path) => /^app\/((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/@]+)\/package\.json$/.exec(path)?.[1] ?? [],
    );
    expect(folders.length).toBeGreaterThan(50);
    expect(folders.filter((folder) => !allowed.includes(folder))).toEqual([]);
    const axios = paths().filter((path) => path.includes('node_modules/axios/') && !path.endsWith('/'));
    expect(axios.sort()).toEqual(['app/node_modules/axios/index.js', 'app/node_modules/axios/package.json']);
  });

  it('gives nobody the right to change it', () => {
    const writable = files.filter((line) => !line.startsWith('l') && /^.....w|^........w/.test(line));
    expect(writable).toEqual([]);
    expect(files.filter((line) => /^...[sS]|^......[sS]/.test(line))).toEqual([]);
  });

  it('keeps nothing of how its packages were fetched', async () => {
    expect(paths().filter((path) => /npmrc|(^|\/)(root|run|tmp)\/./.test(path))).toEqual([]);
    expect(JSON.stringify(config)).not.toContain(SECRET_MARK);
    for (const layer of layers) expect(await holds(layer, SECRET_MARK)).toBe(false);
    // So that this can fail: what is there is found.
    expect(await Promise.all(layers.map(async (layer) => holds(layer, 'axios is not installed')))).toContain(
      true,
    );
  });
});

/** Whether a text is anywhere in an unpacked layer. */
async function holds(layer: string, text: string): Promise<boolean> {
  let tail = '';
  let found = false;
  for await (const chunk of createReadStream(layer).pipe(createGunzip())) {
    const seen = tail + (chunk as Buffer).toString('latin1');
    found ||= seen.includes(text);
    tail = seen.slice(-text.length);
  }
  return found;
}
