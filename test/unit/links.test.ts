import { readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageOf, REASONS } from '../../src/api/reasons.ts';
import { anchorsOf, linksOf } from '../../hack/docs/markdown.ts';
import { ROOT, siteOf } from '../../hack/docs/site/pages.ts';

const { pages: PAGES } = await siteOf();

/** What is wrong with a link; undefined if it leads somewhere. */
async function fault(page: string, target: string): Promise<string | undefined> {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)));
  if (file.startsWith('..')) return 'leads out of the repository';
  const found = await stat(join(ROOT, file)).catch(() => undefined);
  if (!found) return 'there is no such file';
  if (anchor === undefined) return undefined;
  if (!file.endsWith('.md')) return 'an anchor of something that has none';
  const anchors = anchorsOf(await readFile(join(ROOT, file), 'utf8'));
  return anchors.has(anchor) ? undefined : 'there is no such heading';
}

describe.each(PAGES)('%s', (page) => {
  it('links to what is there', async () => {
    const links = linksOf(await readFile(join(ROOT, page), 'utf8'));
    const faults = await Promise.all(
      links.map(async ({ line, target }) => {
        const why = await fault(page, target);
        return why === undefined ? [] : [`${page}:${line} ${target}: ${why}`];
      }),
    );
    expect(faults.flat()).toEqual([]);
  });
});

describe('docs/README.md', () => {
  it('leads to every page', async () => {
    const links = linksOf(await readFile(join(ROOT, 'docs/README.md'), 'utf8'));
    const listed = new Set(links.map(({ target }) => normalize(join('docs', target))));
    const pages = PAGES.filter((name) => /^docs\/(?!README|decisions\/\d)/.test(name));
    expect(pages.filter((name) => !listed.has(name)).map((name) => relative('docs', name))).toEqual([]);
  });
});

describe('what a message and kubectl fairlead link to', () => {
  const pages = Object.keys(REASONS).flatMap((reason) => pageOf(reason) ?? []);
  it.each(pages)('%s is there', async (page) => {
    expect(await fault('docs/README.md', page)).toBeUndefined();
  });
});

describe('a link that is broken', () => {
  it.each([
    ['no-such-page.md', 'there is no such file'],
    ['pods.md#no-such-heading', 'there is no such heading'],
    ['#no-such-heading', 'there is no such heading'],
    ['../../etc/passwd', 'leads out of the repository'],
    ['../package.json#name', 'an anchor of something that has none'],
    ['Pods.md', 'there is no such file'],
    ['pods.md#the-delivery', undefined],
    ['../SECURITY.md#the-identities-and-why', undefined],
  ])('%s: %s', async (target, why) => {
    expect(await fault('docs/README.md', target)).toBe(why);
  });
});

describe('links of a page', () => {
  it.each([
    ['a link', 'see [a](b.md#c), and [d](e.md)', ['b.md#c', 'e.md']],
    ['an image', '![what it shows](images/a.svg)', ['images/a.svg']],
    ['a link around code', '[`a`](b.md)', ['b.md']],
    ['one with a title', '[a](b.md "c")', ['b.md']],
    ['one that is named below', '[a]: b.md', ['b.md']],
    ['HTML', '<img src="a.svg">', ['a.svg']],
    ['an address of another place', '[a](https://b.example), [c](mailto:d@example.com)', []],
    ['code', 'type `[a](b.md)`', []],
    ['a block of code', '```text\n[a](b.md)\n```\n[c](d.md)', ['d.md']],
    ['a longer fence', '````text\n```\n[a](b.md)\n````\n[c](d.md)', ['d.md']],
  ])('%s', (_, markdown, targets) => {
    expect(linksOf(markdown).map(({ target }) => target)).toEqual(targets);
  });
});

describe('anchors of a page', () => {
  it.each([
    ['words', '## Path, version, property', ['path-version-property']],
    ['code', '## `kubectl fairlead`', ['kubectl-fairlead']],
    ['dots and dashes', '## @kubernetes/client-node 2.0.1', ['kubernetesclient-node-201']],
    ['underscores', '### start_timeout', ['start_timeout']],
    ['a link', '# [a b](c.md)', ['a-b']],
    ['one that is written out', '**A b.** <a id="a-b"></a>c', ['a-b']],
    ['equal headings', '# a\n# a', ['a', 'a-1']],
    ['a comment in code', '```bash\n# a\n```', []],
  ])('%s', (_, markdown, anchors) => {
    expect([...anchorsOf(markdown)]).toEqual(anchors);
  });
});
