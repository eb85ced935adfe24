import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { pages, ROOT } from '../support/docs/blocks.ts';

/** What the pages name of the repository is there; links.test.ts is about links. */

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const targets = new Set(Array.from(read('Makefile').matchAll(/^([a-z-]+):/gm), ([, name]) => name));
const scripts = (JSON.parse(read('package.json')) as { scripts: object }).scripts;
const found = (text: string, pattern: RegExp) =>
  Array.from(text.matchAll(pattern), ([, name = '']) => name).filter((name) => name !== '');

const COMMAND = String.raw`(?:^ *|[\x60(] *|\$ )`;
const MAKE = new RegExp(String.raw`${COMMAND}make ([a-z][a-z-]*)`, 'gm');
const NPM = new RegExp(String.raw`${COMMAND}npm run (?:-s |--silent )?([a-z][a-z-]*)`, 'gm');
/** One that ends in a placeholder or a pattern is checked as far as it goes. */
const PATH = /`((?:src|config|docs|hack|test|charts|crds)\/[^`\s]*)`/g;
/** What kubectl and helm are told to take. */
const GIVEN = /(?: -[kf] |helm \w+ fairlead )((?:config|crds|charts)[\w./-]*)/g;

const all = [...(await pages()).keys(), 'CONTRIBUTING.md', 'SECURITY.md'];

describe.each(all)('%s', (page) => {
  const text = read(page);

  it('names targets of make and scripts of npm that exist', () => {
    expect(found(text, MAKE).filter((name) => !targets.has(name))).toEqual([]);
    expect(found(text, NPM).filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('names files that exist', () => {
    const named = [...found(text, PATH), ...found(text, GIVEN)].map((path) =>
      path.replace(/[^/]*[<>*{}$…][^]*|:\d+$/, ''),
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('the flags of docs/operations.md', () => {
  const text = read('docs/operations.md');
  const listed = found(text, /^\| `--([a-z][a-z0-9-]*)` +\|/gm);

  it('are those that Fairlead takes, each once', () => {
    expect(listed.toSorted()).toEqual(flagsOf().toSorted());
  });

  it('have the defaults that Fairlead has', () => {
    const config = parseConfig(['--role', 'controller'], {}) as unknown as Record<string, unknown>;
    const wrong = text.matchAll(/^\| `--([a-z][a-z0-9-]*)` +\| ([^|]+?) +\|/gm).flatMap(([, name, said]) => {
      const value = config[camel(name ?? '')];
      const inWords = !/^(`[^`]+`|\d+|true|false)$/.test(said ?? '');
      return inWords || String(value) === said?.replaceAll('`', '')
        ? []
        : [`--${name}: ${said}, not ${String(value)}`];
    });
    expect([...wrong]).toEqual([]);
  });
});

/** As the usage has them, which names every one. */
function flagsOf(): string[] {
  try {
    parseConfig(['--no-such-flag'], {});
  } catch (error) {
    return found((error as Error).message, /^ {2}--([a-z][a-z0-9-]*) /gm);
  }
  throw new Error('a flag that there is not was taken');
}

const camel = (name: string) => name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
