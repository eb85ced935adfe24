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

/** Every page and every file that one of them links to. Images are left to the generator. */
export async function siteOf(): Promise<Site> {
  const docs = await readdir(join(ROOT, 'docs'), { recursive: true });
  const top = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
  const pages = [...top, ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
  const files = new Set<string>();
  for (const page of pages) {
    for (const { target } of linksOf(await readFile(join(ROOT, page), 'utf8'))) {
      const path = linked(page, target);
      if (path.endsWith('.md') || path.startsWith('docs/images/')) continue;
      const found = await stat(join(ROOT, path)).catch(() => undefined);
      if (found?.isFile()) files.add(path);
    }
  }
  return { pages: pages.toSorted(), files: [...files].toSorted() };
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
