import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { pages, ROOT } from '../support/docs/blocks.ts';

/** What the pages name of the repository is there. */

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
const LINK = /\]\((?!https?:|mailto:)([^)\s]+)\)/g;

const all = [...(await pages()).keys(), 'CONTRIBUTING.md', 'SECURITY.md'];

describe.each(all)('%s', (page) => {
  const text = read(page);
  /** Examples in blocks may look like links. */
  const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, '');

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

  it('has links that lead somewhere', () => {
    const lost = found(prose, LINK).filter((link) => !leads(page, link));
    expect(lost).toEqual([]);
  });
});

function leads(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || !target.endsWith('.md') || anchors(read(target)).has(anchor);
}

/** As GitHub makes them of headings; and those that a page has of its own. */
function anchors(text: string): Set<string> {
  const seen = new Map<string, number>();
  const made = found(text, /^#{1,6} (.+)$/gm).map((heading) => {
    const slug = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
  return new Set([...made, ...found(text, /(?:id|name)="([^"]+)"/g)]);
}

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
        : [`--${name}: ${said}, not ${value}`];
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
