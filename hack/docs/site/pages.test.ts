import { describe, expect, it } from 'vitest';
import { chapters, linked } from './pages.ts';

describe('a link', () => {
  it.each([
    ['docs/pods.md', 'spark.md#how', 'docs/spark.md'],
    ['docs/pods.md', '../SECURITY.md', 'SECURITY.md'],
    ['docs/kinds/a.md', '../../config/samples/b.yaml', 'config/samples/b.yaml'],
    ['docs/pods.md', '#here', 'docs/pods.md'],
  ])('of %s to %s leads to %s', (page, target, path) => {
    expect(linked(page, target)).toBe(path);
  });
});

describe('the table of contents', () => {
  it('has the headings of the index, and the first link of each row', () => {
    const index = [
      ...['# Docs', '', '## Start', '', '| page | what |', '| --- | --- |'],
      ...['| [pods.md](pods.md) | see [spark](spark.md) |', '', '## Change it', ''],
      '| [CONTRIBUTING.md](../CONTRIBUTING.md) | how |',
    ];
    expect(chapters(index.join('\n'))).toEqual([
      { text: 'Start', items: [{ text: 'pods', link: '/docs/pods.md' }] },
      { text: 'Change it', items: [{ text: 'CONTRIBUTING', link: '/CONTRIBUTING.md' }] },
    ]);
  });
});
