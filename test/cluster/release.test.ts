/** A release, made in a clone: what is committed, tagged and built. The image, which takes minutes, is test/node's. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureHelm } from '../../hack/chart/helm-tool.ts';
import { ROOT } from '../../hack/image/inputs.ts';

const execute = promisify(execFile);
let clone: string;
const identity = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.com'];
const git = async (...args: string[]) =>
  (await execute('git', [...identity, ...args], { cwd: clone })).stdout.trim();

const env = {
  ...process.env,
  ...{ GIT_AUTHOR_NAME: 'somebody', GIT_AUTHOR_EMAIL: 'somebody@example.com' },
  ...{ GIT_COMMITTER_NAME: 'somebody', GIT_COMMITTER_EMAIL: 'somebody@example.com' },
};
const release = async (...args: string[]) =>
  execute('node', ['hack/release/main.ts', ...args, '--no-image'], { cwd: clone, env });
const file = async (path: string) => readFile(join(clone, path), 'utf8');

beforeAll(async () => {
  // What takes minutes the first time is not the release's.
  await ensureHelm({ log: (line) => console.log(line) });
  clone = await mkdtemp(join(tmpdir(), 'fairlead-release-test-'));
  await execute('git', ['clone', '--quiet', ROOT, clone]);
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  // Whatever the state of the real one: there is something to release.
  await writeFile(join(clone, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Sails.\n');
  await git('commit', '--quiet', '--all', '--message', 'A changelog with one line');
}, 1_200_000);

afterAll(async () => rm(clone, { recursive: true, force: true }));

describe('a release', () => {
  it('is rehearsed without a trace but what was built', async () => {
    const before = await git('rev-parse', 'HEAD');
    const { stdout } = await release('98.7.6');
    expect(stdout).toContain('nothing is committed or tagged; for real: WRITE=yes');
    expect([await git('rev-parse', 'HEAD'), await git('status', '--porcelain')]).toEqual([before, '']);
    expect(await git('tag', '--list', 'v98*')).toBe('');
    expect(await readdir(join(clone, 'dist/release'))).toContain('fairlead-98.7.6.tgz');
  });

  it('is one commit with the version everywhere, a tag on it, and a folder to publish', async () => {
    await release('98.7.6', '--write');
    expect(await git('log', '-1', '--format=%s')).toBe('Release 98.7.6');
    expect(await git('rev-parse', 'v98.7.6^{commit}')).toBe(await git('rev-parse', 'HEAD'));
    expect(await git('status', '--porcelain')).toBe('');
    expect(await file('CHANGELOG.md')).toMatch(
      /^## \[98\.7\.6\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- Sails\.$/m,
    );
    expect(await file('charts/fairlead/Chart.yaml')).toMatch(/^appVersion: 98\.7\.6$/m);

    const to = join(clone, 'dist/release');
    expect((await readdir(to)).sort()).toEqual([
      'RELEASE_NOTES.md',
      'SHA256SUMS',
      'fairlead-98.7.6.cdx.json',
      'fairlead-98.7.6.tgz',
      'kubectl-fairlead',
    ]);
    expect(await file('dist/release/RELEASE_NOTES.md')).toBe('### Added\n\n- Sails.\n');
    const bom = JSON.parse(await file('dist/release/fairlead-98.7.6.cdx.json')) as {
      metadata: { component: { version: string } };
    };
    expect(bom.metadata.component.version).toBe('98.7.6');
    const { stdout: chart } = await execute('tar', [
      '-xOzf',
      join(to, 'fairlead-98.7.6.tgz'),
      'fairlead/Chart.yaml',
    ]);
    expect(chart).toContain('version: 98.7.6');
    await execute('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: to });
  });

  it.each([
    ['the same version again', '98.7.6', 'the tag v98.7.6 is there already'],
    ['a lower one', '98.7.5', '98.7.5 is lower than 98.7.6'],
    ['nothing to tell', '98.7.7', 'CHANGELOG.md says nothing under Unreleased'],
  ])('refuses %s', async (_what, version, message) => {
    const before = await git('rev-parse', 'HEAD');
    await expect(release(version, '--write')).rejects.toMatchObject({
      stderr: expect.stringContaining(message),
    });
    expect([await git('rev-parse', 'HEAD'), await git('status', '--porcelain')]).toEqual([before, '']);
  });

  it('refuses what is not committed', async () => {
    await writeFile(join(clone, 'README.md'), 'half a thought');
    await expect(release('98.8.0', '--write')).rejects.toMatchObject({
      stderr: expect.stringContaining('there are changes that are not committed'),
    });
    expect(await file('README.md')).toBe('half a thought');
  });
});
