/** How VitePress builds the site. It is copied beside the pages, and slugs are those of GitHub, so that one link works in both. */
import { existsSync, readFileSync } from 'node:fs';
import { slugOf } from '../markdown.ts';

const sidebar: unknown = JSON.parse(readFileSync(new URL('sidebar.json', import.meta.url), 'utf8'));
const root = process.env['FAIRLEAD_SITE_ROOT'] ?? '';

export default {
  title: 'Fairlead',
  description: 'Secrets from where they are kept into Spark and Jupyter pods',
  // Relative to where the site is put: `DOCS_BASE=/fairlead/ make docs`.
  base: process.env['DOCS_BASE'] ?? '/',
  // A link to a page that is not there ends the build. Folders of the repository have no page.
  ignoreDeadLinks: [
    (url: string) => existsSync(`${root}${url.replace(/^[./]+/, '').replace(/\/index$/, '')}`),
  ],
  markdown: { anchor: { slugify: slugOf }, attrs: { disable: true } },
  themeConfig: { sidebar, search: { provider: 'local' }, outline: [2, 3] },
};
