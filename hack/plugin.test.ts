import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPlugin } from './plugin.ts';

const run = promisify(execFile);
let dir: string;
let plugin: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairlead-plugin-'));
  plugin = await buildPlugin(join(dir, 'kubectl-fairlead'));
});
afterAll(async () => rm(dir, { recursive: true, force: true }));

describe('the bundled plugin', () => {
  it('is one executable file that asks for no package', async () => {
    const text = await readFile(plugin, 'utf8');
    expect((await stat(plugin)).mode & 0o777).toBe(0o755);
    expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true);
    const required = Array.from(text.matchAll(/\brequire\("([^"]+)"\)/g), ([, name]) => name);
    expect(required.filter((name) => !/^(node:.*|buffer|process)$/.test(name ?? ''))).toEqual([]);
    expect(text).not.toMatch(/^import |\bimport\("/m);
  });

  it('uses nothing of Node that came after 20, but what it brings along', async () => {
    const text = await readFile(plugin, 'utf8');
    const newer =
      /URL\.parse\(|withResolvers|Array\.fromAsync|Promise\.try|RegExp\.escape|Object\.groupBy|isSubsetOf/;
    expect(text).not.toMatch(newer);
    expect(text).toContain('Object.defineProperty(Map, "groupBy"');
  });

  it('says where it was built in no line', async () => {
    expect(await readFile(plugin, 'utf8')).not.toContain(process.cwd());
  });

  it('runs', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    const { stdout } = await run(process.execPath, [plugin, 'version']);
    expect(stdout).toBe(`fairlead ${version}\n`);
  });
});
