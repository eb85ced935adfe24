/**
 * `make sbom`: dist/fairlead.cdx.json, the production dependencies of package-lock.json as CycloneDX. It is what npm
 * prints, without what differs from run to run.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../cluster/exec.ts';
import { ROOT } from './inputs.ts';

export interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string | undefined;
  readonly metadata: { readonly timestamp: string | undefined; readonly component: Component };
  components: readonly Component[];
  dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly { license?: { id?: string; name?: string }; expression?: string }[];
}

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly license?: string | readonly { readonly type: string }[];
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}

/** The bill of materials of the lock file; asks no registry. The same lock file gives the same text. */
export async function sbom(): Promise<Bom> {
  const dir = mkdtempSync(join(tmpdir(), 'fairlead-sbom-'));
  try {
    const lock = production(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock);
    writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lock));
    writeFileSync(join(dir, 'package.json'), JSON.stringify(lock.packages['']));
    const flags = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only', '--offline'];
    return tidied(JSON.parse(await run('npm', ['sbom', ...flags], { cwd: dir })) as Bom);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Pure: a lock file of the production dependencies alone. `npm sbom --omit=dev` of npm 11 leaves out what a development
 * dependency needs as well, `yaml` for one. The stand-in for axios is ours, and no dependency.
 */
export function production(lock: Lock): Lock {
  const links = new Set(
    Object.entries(lock.packages).flatMap(([path, { link, resolved = '' }]) =>
      link ? [path, resolved] : [],
    ),
  );
  const names = new Set([...links].map((path) => path.replace(/^node_modules\//, '')));
  const kept = Object.entries(lock.packages).filter(([path, { dev }]) => dev !== true && !links.has(path));
  const packages = kept.map(([path, { dependencies = {}, license, ...rest }]) => {
    const wanted = Object.entries(dependencies).filter(([name]) => !names.has(name));
    const changed = { dependencies: Object.fromEntries(wanted), devDependencies: {}, license: spdx(license) };
    return [path, { ...rest, ...changed }];
  });
  return { ...lock, packages: Object.fromEntries(packages) as Lock['packages'] };
}

/** Old packages list their licences, of which one may choose; npm leaves such a list out. */
function spdx(license: Locked['license']): string | undefined {
  if (license === undefined || typeof license === 'string') return license;
  return license
    .map(({ type }) => (/^[\w.-]+$/.test(type) ? type : `LicenseRef-${type.replaceAll(/[^\w.-]+/g, '-')}`))
    .join(' OR ');
}

/** Pure: without what differs from run to run. */
export function tidied({ metadata, ...rest }: Bom): Bom {
  // npm takes the name of the folder.
  const name = metadata.component.purl.replace(/^pkg:npm\/|@[^@]*$/g, '');
  const component = { ...metadata.component, name };
  const body = {
    ...rest,
    serialNumber: undefined,
    metadata: { ...metadata, timestamp: undefined, component },
  };
  return { ...body, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}` };
}

/** A UUID (version 8) of the content, so that another content has another serial number. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join('-');
}

if (import.meta.main) {
  const bom = await sbom();
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(join(ROOT, 'dist', 'fairlead.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
  console.log(
    `dist/fairlead.cdx.json: ${bom.components.length} production dependencies of Fairlead ${version}`,
  );
}
