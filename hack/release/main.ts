/**
 * `make release VERSION=1.2.3`: a rehearsal in a clone that is thrown away; nothing here changes. With WRITE=yes it is
 * done here: version and changelog are committed, what is released is built into dist/release, the commit is tagged.
 * Nothing is pushed: that, and the image, is for whoever may.
 *
 *   node hack/release/main.ts VERSION [--write] [--no-image]
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../cluster/exec.ts';
import { ROOT } from '../image/inputs.ts';
import { buildArtifacts } from './artifacts.ts';
import { ReleaseError } from './errors.ts';
import { releaseFiles, versions } from './files.ts';
import { checkVersion } from './version.ts';

const TO = join(ROOT, 'dist/release');
const BUILD_MS = 60 * 60_000;
const REHEARSER = {
  GIT_AUTHOR_NAME: 'rehearsal',
  GIT_AUTHOR_EMAIL: 'rehearsal@example.com',
  GIT_COMMITTER_NAME: 'rehearsal',
  GIT_COMMITTER_EMAIL: 'rehearsal@example.com',
};
const log = (line: string): void => console.log(`  ${line}`);
const git = async (...args: string[]) => (await run('git', args, { cwd: ROOT })).trim();

interface Options {
  readonly version: string;
  readonly image: boolean;
}

/** Commit, files and tag; where something fails, the tree is as it was. */
async function release({ version, image }: Options): Promise<void> {
  const dirty = await git('status', '--porcelain');
  if (dirty !== '') throw new ReleaseError('there are changes that are not committed; commit or remove them');
  const [current = ''] = versions();
  checkVersion(version, current, (await git('tag', '--list')).split('\n'));
  const { files, notes } = releaseFiles(version, new Date().toISOString().slice(0, 10));
  const before = await git('rev-parse', 'HEAD');
  try {
    for (const [file, text] of files) writeFileSync(join(ROOT, file), text);
    await run('node', ['hack/generate.ts'], { cwd: ROOT });
    await git('add', '--all');
    await git('commit', '--quiet', '--message', `Release ${version}`);
    console.log(`committed: ${[...files.keys()].join(', ')}`);
    const revision = await git('rev-parse', 'HEAD');
    const made = await buildArtifacts({ version, revision, image, notes, to: TO, log });
    await git('tag', '--annotate', `v${version}`, '--message', `Fairlead ${version}`);
    console.log(['dist/release:', ...made].join('\n  '));
  } catch (error) {
    // With what is new, too.
    await git('add', '--all');
    await git('reset', '--hard', '--quiet', before);
    throw error;
  }
}

/** The same in a clone of the last commit; what was built is kept in dist/release, to be looked at. */
async function rehearse({ version, image }: Options): Promise<void> {
  const clone = mkdtempSync(join(tmpdir(), 'fairlead-release-'));
  try {
    await git('clone', '--quiet', ROOT, clone);
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
    const args = ['hack/release/main.ts', version, '--write', ...(image ? [] : ['--no-image'])];
    const env = { ...process.env, ...REHEARSER };
    const printed = await run('node', args, { cwd: clone, env, timeoutMs: BUILD_MS });
    rmSync(TO, { recursive: true, force: true });
    cpSync(join(clone, 'dist/release'), TO, { recursive: true });
    console.log(`${printed}rehearsed in a clone, nothing is committed or tagged; for real: WRITE=yes`);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { write: { type: 'boolean' }, 'no-image': { type: 'boolean' } },
  });
  const options = { version: positionals[0] ?? '', image: values['no-image'] !== true };
  await (values.write === true ? release(options) : rehearse(options));
  if (values.write === true)
    console.log('to publish: git push --follow-tags, push the image, the chart and the plugin');
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
