/** What the site consists of: the pages as they are, and the files that they link to. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { linksOf } from '../markdown.ts';

export const ROOT = new URL('../../../', import.meta.url).pathname;

export interface Site {
  /** Markdown, by path in the repository. */
  readonly pages: readonly string[];
  /** What else pages link to: manifests, tests, sources. */
  readonly files: readonly string[];
}

/** All pages of docs/ and beside the README, those that one of them links to, and files that they link to. Images are left out. */
export async function siteOf(): Promise<Site> {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true });
  const top = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
  const pages = new Set([
    ...top,
    ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ]);
  const files = new Set<string>();
  // The loop also sees what is added while it runs.
  for (const page of pages) {
    for (const { target } of linksOf(await readFile(join(ROOT, page), 'utf8'))) {
      const path = linked(page, target);
      const found = await stat(join(ROOT, path)).catch(() => undefined);
      if (!found?.isFile() || path.startsWith('docs/images/')) continue;
      (path.endsWith('.md') ? pages : files).add(path);
    }
  }
  return { pages: [...pages].toSorted(), files: [...files].toSorted() };
}

/** Where a link of a page leads to, as a path in the repository. */
export function linked(page: string, target: string): string {
  const [path = ''] = target.split('#');
  return path === '' ? page : normalize(join(dirname(page), path));
}

export interface Chapter {
  readonly text: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}

/** The table of contents: the headings of docs/README.md, and the first link of each row below them. */
export function chapters(index: string): readonly Chapter[] {
  return index
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      text: part.split('\n', 1)[0] ?? '',
      items: [...part.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\)/gm)].map(([, text = '', target = '']) => ({
        text: text.replace(/\.md$/, ''),
        link: `/${linked('docs/README.md', target)}`,
      })),
    }));
}
