import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../../src/', import.meta.url);
const PAGE = new URL('../../docs/metrics.md', import.meta.url);

/** `level message` of each call of a logger in a source text; what is no fixed text stands as it is written. */
function messagesIn(source: string): string[] {
  return [...source.matchAll(/\blog_?\??\.(debug|info|warn|error)\(/g)].flatMap((call) => {
    const level = call[1] ?? '';
    const last = lastArgument(source.slice(call.index + call[0].length));
    const texts = [...last.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, text]) => text);
    return (texts.length > 0 ? texts : [last]).map((text) => `${level} ${text}`);
  });
}

/** Of a call whose text begins after its opening bracket. */
function lastArgument(text: string): string {
  let [depth, from, quoted] = [1, 0, false];
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? '';
    if (char === "'") quoted = !quoted;
    if (quoted) continue;
    if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth -= 1;
    else if (char === ',' && depth === 1 && text.slice(i + 1).trimStart()[0] !== ')') from = i + 1;
    if (depth === 0) return text.slice(from, i).trim();
  }
  return text;
}

describe('the reader of this test', () => {
  it.each([
    ["log.info({ a: [1, 2] }, 'done')", ['info done']],
    ["log?.warn(error, 'tried again')", ['warn tried again']],
    ["log.info({}, is ? 'one' : 'two')", ['info one', 'info two']],
    ["log.error(\n  f(x, 'y'),\n  'broken; tried, again',\n);", ['error broken; tried, again']],
    ['log.debug({}, what)', ['debug what']],
  ])('%s', (source, expected) => expect(messagesIn(source)).toEqual(expected));
});

it('docs/metrics.md has every message that the processes log, with its level, and no other', async () => {
  const files = (await readdir(SRC, { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('kubectl/'),
  );
  const sources = await Promise.all(files.map(async (file) => readFile(new URL(file, SRC), 'utf8')));
  const logged = new Set(sources.flatMap(messagesIn));
  const page = await readFile(PAGE, 'utf8');
  const rows = page.matchAll(/^\| `([^`]+)` +\| (debug|info|warn|error) +\|/gm);
  const documented = new Set([...rows].map(([, text, level]) => `${level} ${text}`));
  expect([...documented].sort()).toEqual([...logged].sort());
});
