import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LayerRecipe } from './layers.ts';
import { ensureLayer, put } from './layers.ts';

let cache: string;
let built: number;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'fairlead-layers-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  built = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

const recipe = (more: Partial<LayerRecipe> = {}): LayerRecipe => ({
  name: 'tools',
  module: import.meta.url,
  inputs: ['1'],
  build: async (root, scratch) => {
    built += 1;
    put(root, 'opt/tool', 'x', 0o755);
    writeFileSync(join(scratch, 'rest'), 'thrown away');
  },
  ...more,
});
const files = () => readdirSync(join(cache, 'fairlead', 'spark'));

// It takes GNU tar, as the images take Linux.
describe.runIf(process.platform === 'linux')('a layer', () => {
  it('is built once, and found again', async () => {
    const first = await ensureLayer(recipe());
    expect(await ensureLayer(recipe())).toEqual(first);
    expect(built).toBe(1);
    const bytes = readFileSync(first.file);
    expect(first.size).toBe(bytes.length);
    expect(first.digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    const listed = execFileSync('tar', ['-tf', first.file], { encoding: 'utf8' }).split('\n');
    expect(listed).toEqual(['./', './opt/', './opt/tool', '']);
  });

  it('is built once by two who want it at the same time', async () => {
    const [one, other] = await Promise.all([ensureLayer(recipe()), ensureLayer(recipe())]);
    expect(one).toEqual(other);
    expect(built).toBe(1);
  });

  it('is another one when what it is made of is another, with the same bytes for the same files', async () => {
    const one = await ensureLayer(recipe());
    const other = await ensureLayer(recipe({ inputs: ['2'] }));
    expect(built).toBe(2);
    expect(other.file).not.toBe(one.file);
    expect(other.digest).toBe(one.digest);
  });

  it('leaves nothing behind when it cannot be built', async () => {
    const broken = recipe({ build: async () => Promise.reject(new Error('no network')) });
    await expect(ensureLayer(broken)).rejects.toThrow('no network');
    expect(files()).toEqual([]);
  });
});
