import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allBlocks, blocksOf, ROOT } from '../support/docs/blocks.ts';
import { at, planFor, type Plan } from '../support/docs/plan.ts';

const planOf = (text: string): Plan => {
  const [block] = blocksOf('docs/x.md', text);
  if (!block) throw new Error('no block');
  return planFor(block);
};
const fenced = (language: string, text: string, marker?: string) =>
  `${marker === undefined ? '' : `<!-- ${marker} -->\n\n`}\`\`\`${language}\n${text}\n\`\`\`\n`;

describe('planFor', () => {
  it.each<[string, string, object]>([
    ['commands', fenced('sh', 'ls'), { does: 'run', script: 'ls\n', dry: false, exits: 0 }],
    ['commands of bash', fenced('bash', 'ls'), { does: 'run' }],
    ['commands to be run dry', fenced('sh', 'ls', 'dry run'), { does: 'run', dry: true }],
    ['commands that fail', fenced('sh', 'ls', 'exits: 1'), { does: 'run', exits: 1 }],
    ['commands with a reason', fenced('sh', 'ls', 'not run: no'), { does: 'nothing', why: 'no' }],
    ['those of another test', fenced('sh', 'ls', 'run by: test/a'), { does: 'elsewhere', test: 'test/a' }],
    ['commands under some other comment', fenced('sh', 'ls', 'prettier-ignore'), { does: 'run' }],
    [
      'a session',
      fenced('console', '$ a \\\n  b\none\n\ntwo\n$ c'),
      {
        does: 'compare',
        steps: [
          { command: 'a \\\n  b', output: 'one\n\ntwo\n' },
          { command: 'c', output: '' },
        ],
      },
    ],
    [
      'manifests',
      fenced('yaml', 'apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B'),
      { does: 'apply', manifests: [{ kind: 'A' }, { kind: 'B' }] },
    ],
    [
      'a part of an object',
      fenced('yaml', 'a: 1', 'fragment: Pod.spec'),
      { does: 'merge', into: 'Pod.spec', content: { a: 1 } },
    ],
    ['values', fenced('yaml', 'a: 1', 'fragment: values'), { does: 'values' }],
    ['others', fenced('yaml', 'a: 1', 'fragment: other, an answer'), { does: 'parse', what: 'an answer' }],
    ['JSON', fenced('json', '{}'), { does: 'parse' }],
    ['a policy', fenced('hcl', ''), { does: 'policy' }],
    ['text', fenced('', 'words'), { does: 'show' }],
    ['code', fenced('python', 'a = 1'), { does: 'show' }],
  ])('knows %s', (_, text, wanted) => {
    expect(planOf(text)).toMatchObject(wanted);
  });

  it.each([
    ['YAML that is neither', fenced('yaml', 'a: 1'), 'docs/x.md:1: no complete manifest'],
    ['one of two that is not', fenced('yaml', 'apiVersion: v1\nkind: A\n---\na: 1'), 'no complete manifest'],
    ['broken YAML', fenced('yaml', 'a: [', 'fragment: other'), 'docs/x.md:3: '],
    ['a session without its language', fenced('', '$ ls'), 'console'],
    ['a command without its language', fenced('text', 'make demo'), 'stand in a block'],
    ['a session without a command', fenced('console', 'ls'), 'begins with "$ "'],
  ])('refuses %s', (_, text, message) => {
    expect(() => planOf(text)).toThrow(message);
  });
});

const blocks = await allBlocks();

it.each(blocks.map((block) => [at(block), block] as const))('%s can be run or says why not', (_, block) => {
  const plan = planFor(block);
  if (plan.does !== 'elsewhere') return;
  expect(existsSync(ROOT + plan.test), `${plan.test} is there`).toBe(true);
  expect(readFileSync(ROOT + plan.test, 'utf8'), `${plan.test} reads the page`).toContain(block.page);
});
