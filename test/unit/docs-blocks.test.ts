import { describe, expect, it } from 'vitest';
import { allBlocks, blocksOf } from '../support/docs/blocks.ts';

describe('blocksOf', () => {
  it.each<[string, string, object[]]>([
    ['nothing of a page without blocks', 'words\n', []],
    ['a block and its line', 'words\n\n```sh\nls\n```\n', [{ line: 3, language: 'sh', text: 'ls\n' }]],
    ['a block without language', '```\nls\n```\n', [{ line: 1, language: '', text: 'ls\n' }]],
    ['an empty block', '```sh\n```\n', [{ text: '' }]],
    [
      'one within a list, without its indentation',
      '1. so:\n\n   ```yaml\n   a:\n     b: 1\n\n   c: 2\n   ```\n',
      [{ line: 3, text: 'a:\n  b: 1\n\nc: 2\n' }],
    ],
    ['a longer fence around others', '````md\n```sh\nls\n```\n````\n', [{ text: '```sh\nls\n```\n' }]],
    ['tildes', '~~~sh\nls\n~~~\n', [{ language: 'sh', text: 'ls\n' }]],
    [
      'several in their order',
      '```sh\na\n```\n```sh\nb\n```\n',
      [
        { line: 1, text: 'a\n' },
        { line: 4, text: 'b\n' },
      ],
    ],
    ['the marker above', '<!-- not run: why -->\n```sh\n```\n', [{ marker: 'not run: why' }]],
    [
      'the marker over a blank line',
      '<!-- fragment: pod -->\n\n```yaml\n```\n',
      [{ marker: 'fragment: pod' }],
    ],
    ['no marker further away', '<!-- not run: why -->\n\nwords\n\n```sh\n```\n', [{ marker: undefined }]],
    ['no marker that is part of a line', 'words <!-- a -->\n```sh\n```\n', [{ marker: undefined }]],
  ])('finds %s', (_, text, wanted) => {
    const found = blocksOf('docs/x.md', text);
    expect(found).toHaveLength(wanted.length);
    expect(found).toMatchObject(wanted.map((block) => ({ page: 'docs/x.md', ...block })));
  });

  it('says where a block is not closed', () => {
    expect(() => blocksOf('docs/x.md', 'a\n```sh\nls\n')).toThrow('docs/x.md:2: the block is not closed');
  });
});

it('finds the blocks of the README and of docs/', async () => {
  const found = new Set((await allBlocks()).map(({ page }) => page));
  expect(found).toContain('README.md');
  expect(found).toContain('docs/operations.md');
});
