/**
 * What the image costs: its size, and how soon each role is ready and what memory it holds when it has nothing to do. The
 * roles run from the image's files, as its user, with its command and environment, beside those that are measured
 * elsewhere; in a chroot, for want of a node, with the files that a pod has of its ServiceAccount.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../cluster/exec.ts';
import { createAuthority, issue } from '../cluster/pki.ts';
import { freePorts } from '../cluster/ports.ts';
import { ensureImage } from '../image/build.ts';
import { costsOf, type RoleCost } from '../image/measure.ts';
import { kubectl } from '../install.ts';
import type { Bench } from './prepare.ts';

export interface ImageMeasurement {
  readonly scenario: 'image';
  readonly packed_mb: number;
  readonly unpacked_mb: number;
  readonly roles: Readonly<Record<string, RoleCost>>;
}

const ROLES = ['admission', 'certificates', 'controller', 'keys'];
const USER = '65532:65532';

/** undefined where no image can be built, and nothing be run as another user. */
export async function imageCosts(bench: Bench): Promise<ImageMeasurement | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  bench.say('\nimage: each role from the files of the image, with nothing to do');
  // As the tests build it, so that it is built once.
  const { archive } = await ensureImage({ revision: 'test', log: bench.say });
  const image = await unpacked(archive, join(bench.dir, 'image'));
  await certificates(image.root);
  const roles: Record<string, RoleCost> = {};
  for (const role of ROLES) roles[role] = await costs(role, image, bench);
  const mb = (bytes: number) => Math.round(bytes / 1e6);
  const size = Number((await run('du', ['-sb', image.files])).split('\t')[0]);
  return { scenario: 'image', packed_mb: mb((await stat(archive)).size), unpacked_mb: mb(size), roles };
}

interface Unpacked {
  /** Where the roles run. */
  readonly root: string;
  /** As it came. */
  readonly files: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function unpacked(archive: string, dir: string): Promise<Unpacked> {
  const [layout, root, files] = [join(dir, 'layout'), join(dir, 'root'), join(dir, 'files')];
  for (const folder of [layout, root, files]) await mkdir(folder, { recursive: true });
  await run('tar', ['-xf', archive, '-C', layout]);
  const blob = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'));
  const json = async <T>(file: string) => JSON.parse(await readFile(file, 'utf8')) as T;
  const index = await json<{ manifests: [{ digest: string }] }>(join(layout, 'index.json'));
  const manifest = await json<{ config: { digest: string }; layers: { digest: string }[] }>(
    blob(index.manifests[0].digest),
  );
  for (const { digest } of manifest.layers)
    for (const to of [root, files]) await run('tar', ['-xf', blob(digest), '-C', to]);
  const { config } = await json<{ config: { Entrypoint: string[]; Env: string[]; WorkingDir: string } }>(
    blob(manifest.config.digest),
  );
  // chroot begins at the top.
  const command = config.Entrypoint.map((one) => one.replace(/^src\//, `${config.WorkingDir}/src/`));
  const env = config.Env.map((one): [string, string] => {
    const at = one.indexOf('=');
    return [one.slice(0, at), one.slice(at + 1)];
  });
  return { root, files, command, env: Object.fromEntries(env) };
}

async function certificates(root: string): Promise<void> {
  const { cert, key } = await issue(await createAuthority('bench'), {
    commonName: 'bench',
    usage: ['server'],
  });
  for (const name of ['certificate', 'keys-certificate']) {
    const folder = join(root, 'var/run/fairlead', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'tls.crt'), cert);
    await writeFile(join(folder, 'tls.key'), key);
  }
}

async function costs(role: string, { root, command, env }: Unpacked, bench: Bench): Promise<RoleCost> {
  const server = new URL(await account(role, root, bench));
  const ports = await freePorts(['health', 'webhook', 'keys']);
  const listen = Object.entries(ports).map(([name, port]) => `--${name}-address=127.0.0.1:${port}`);
  const args = [`--userspec=${USER}`, root, ...command, `--role=${role}`, '--log-level=error', ...listen];
  const child = spawn('chroot', args, {
    stdio: 'ignore',
    env: {
      ...env,
      PATH: `${env['PATH']}:${process.env['PATH']}`,
      KUBERNETES_SERVICE_HOST: server.hostname,
      KUBERNETES_SERVICE_PORT: server.port,
    },
  });
  return costsOf(child, `http://127.0.0.1:${ports.health}/readyz`);
}

/** Puts there what a pod has of its ServiceAccount; resolves to the API server. */
async function account(role: string, root: string, { cluster }: Bench): Promise<string> {
  const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
  await mkdir(folder, { recursive: true });
  const token = await kubectl(cluster, ['create', 'token', `fairlead-${role}`, '-n', 'fairlead-system']);
  const view = await kubectl(cluster, ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const { clusters } = JSON.parse(view) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  };
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  await writeFile(join(folder, 'token'), token.trim());
  await writeFile(join(folder, 'ca.crt'), Buffer.from(ca, 'base64'));
  return server;
}
