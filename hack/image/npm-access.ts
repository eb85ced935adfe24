import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../cluster/exec.ts';

/** Stands in the npmrc of every build, so that a test can look for it where it must not be. */
export const SECRET_MARK = 'fairlead-build-secret-5f1c2d7e';
/** Where the Dockerfile has the secret `ca`. */
const CA_IN_BUILD = '/run/secrets/ca';

/** Files for the build's secrets, by their id. */
export interface NpmAccess {
  readonly npmrc: string;
  readonly ca: string | undefined;
}

/** How this user's npm reaches its registry, as files in `dir` for `--secret`; they hold what the user's npmrc holds. */
export async function npmAccess(dir: string): Promise<NpmAccess> {
  const [userconfig, registry, cafile] = await Promise.all(
    ['userconfig', 'registry', 'cafile'].map(async (name) => {
      const value = (await run('npm', ['config', 'get', name], { cwd: dir })).trim();
      return value === 'null' || value === 'undefined' ? '' : value;
    }),
  );
  const ca = [cafile, process.env['NODE_EXTRA_CA_CERTS']].find(
    (file) => file !== undefined && file !== '' && existsSync(file),
  );
  const own = userconfig && existsSync(userconfig) ? readFileSync(userconfig, 'utf8') : '';
  const npmrc = join(dir, 'npmrc');
  writeFileSync(npmrc, buildNpmrc(own, registry ?? '', ca !== undefined), { mode: 0o600 });
  return { npmrc, ca };
}

/** The user's npmrc without paths of this machine. */
export function buildNpmrc(own: string, registry: string, hasCa: boolean): string {
  const kept = own
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*(cafile|registry|cache|nodedir|prefix)\s*=/.test(line));
  return [
    `; ${SECRET_MARK}`,
    ...kept,
    `registry=${registry}`,
    ...(hasCa ? [`cafile=${CA_IN_BUILD}`] : []),
    '',
  ].join('\n');
}
