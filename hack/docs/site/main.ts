/** `make docs`: the site of docs/ into dist/docs, by VitePress from the cache. Without it the pages are read as they are. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../cluster/exec.ts';
import { withLock } from '../../cluster/lock.ts';
import { cacheDir } from '../../cluster/tools.ts';
import { chapters, ROOT, siteOf } from './pages.ts';

const HERE = new URL('.', import.meta.url).pathname;
const OUT = join(ROOT, 'dist/docs');
const INSTALL_MS = 10 * 60_000;
const BUILD_MS = 5 * 60_000;

/** The directory with VitePress, installed as package-lock.json says, without scripts. */
async function ensureGenerator(): Promise<string> {
  const lock = await readFile(join(HERE, 'package-lock.json'));
  const target = join(cacheDir(), `site-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  const there = () => existsSync(join(target, 'node_modules/vitepress'));
  if (there()) return target;
  await withLock(`${target}.lock`, { what: 'installing VitePress', timeoutMs: INSTALL_MS }, async () => {
    if (there()) return;
    console.log('installing VitePress (100 MB, once)');
    const temporary = `${target}.${process.pid}`;
    await mkdir(temporary, { recursive: true });
    try {
      for (const name of ['package.json', 'package-lock.json'])
        await cp(join(HERE, name), join(temporary, name));
      const flags = ['--ignore-scripts', '--no-audit', '--no-fund'];
      await run('npm', ['ci', ...flags], { cwd: temporary, timeoutMs: INSTALL_MS });
      await rename(temporary, target);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
  return target;
}

/** Copies what the site is made of to where VitePress finds its packages. */
async function gather(work: string): Promise<void> {
  const { pages, files } = await siteOf();
  const put = async (path: string, to: string) => {
    await mkdir(dirname(join(work, to)), { recursive: true });
    await cp(join(ROOT, path), join(work, to), { recursive: true });
  };
  for (const page of pages) await put(page, page);
  for (const file of files) await put(file, `public/${file}`);
  await put('docs/images', 'docs/images');
  // What VitePress sees as its own folder.
  await put('hack/docs/site/config.ts', '.vitepress/config/index.ts');
  await put('hack/docs/markdown.ts', '.vitepress/markdown.ts');
  const index = await readFile(join(ROOT, 'docs/README.md'), 'utf8');
  const sidebar = chapters(index).map((chapter) => ({ ...chapter, collapsed: false }));
  await writeFile(join(work, '.vitepress/config/sidebar.json'), JSON.stringify(sidebar));
  // The first page.
  await cp(join(ROOT, 'README.md'), join(work, 'index.md'));
}

/** Messages link to `reasons.md#...`: where the site is served, that leads to the page, with its anchor. */
async function leadToReasons(site: string): Promise<void> {
  const page = `<!doctype html><title>Reasons</title><a href="../reasons.html">Reasons</a>
<script>location.replace('../reasons.html' + location.hash);</script>
`;
  await mkdir(join(site, 'docs/reasons.md'), { recursive: true });
  await writeFile(join(site, 'docs/reasons.md/index.html'), page);
}

const generator = await ensureGenerator();
const work = join(generator, `work-${process.pid}`);
try {
  await gather(work);
  const site = join(work, 'dist');
  const vitepress = join(generator, 'node_modules/vitepress/bin/vitepress.js');
  const env = { ...process.env, FAIRLEAD_SITE_ROOT: ROOT };
  await run(process.execPath, [vitepress, 'build', work, '--outDir', site], { env, timeoutMs: BUILD_MS });
  await leadToReasons(site);
  // Only what was built to its end takes the place of the last one.
  await rm(OUT, { recursive: true, force: true });
  await cp(site, OUT, { recursive: true });
  console.log(`the site is in ${OUT}`);
} catch (error) {
  const { message, stderr } = error as Error & { stderr?: string };
  console.error(stderr ? `${message}\n${stderr}` : message);
  process.exitCode = 1;
} finally {
  await rm(work, { recursive: true, force: true });
}
