import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/kubectl/migrate/migrate.ts';
import { parseMapping } from '../../src/kubectl/migrate/source.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const FIXTURES = join(ROOT, 'test/fixtures/migrate');
const DOC = readFileSync(join(ROOT, 'docs/migration.md'), 'utf8');
const shellBlocks = Array.from(DOC.matchAll(/^ *```sh\n([^]*?)^ *```$/gm), ([, text = '']) => text);

describe('docs/migration.md', () => {
  const shown = Array.from(
    DOC.matchAll(/<!-- (test\/fixtures\/\S+) -->\n\n```\w+\n([^]*?)```\n/g),
    ([, file = '', text = '']) => [file, text] as const,
  );

  it('has before, after and reference of the three', () => {
    expect(shown.map(([file]) => file.replace(/.*\/docs-/, ''))).toEqual([
      ...['deployment/before.yaml', 'deployment/after.yaml', 'deployment/references.yaml'],
      'spark/references.yaml',
      ...['payload/before.json', 'payload/after.json', 'payload/references.yaml'],
    ]);
  });

  it.each(shown)('shows %s as it is', (file, text) => {
    expect(text).toBe(readFileSync(join(ROOT, file), 'utf8'));
  });

  it('has options of spark-submit that become those after, and the reference', () => {
    const [before, after] = shellBlocks.filter((text) => text.startsWith('spark-submit')).map(confOf);
    const payload = { name: 'etl', namespace: 'marketing-jobs', sparkConf: before };
    const { files, references, left } = migrate([{ name: 'x', text: JSON.stringify(payload) }], {
      mapping: parseMapping(undefined, []),
      ...{ name: undefined, namespace: undefined, storageProperty: undefined },
    });
    expect(JSON.parse(files[0]?.after ?? '')).toMatchObject({ sparkConf: after });
    expect(Object.keys(JSON.parse(files[0]?.after ?? '').sparkConf)).toEqual(Object.keys(after ?? {}));
    expect(references[0]?.text).toBe(readFileSync(join(FIXTURES, 'docs-spark/references.yaml'), 'utf8'));
    expect(left).toEqual([]);
  });
});

function confOf(command: string): Record<string, string> {
  const options = command.matchAll(/--conf (?:'([^=']+)=([^']*)'|([^=\s]+)=(\S+))/g);
  return Object.fromEntries(Array.from(options, ([, a, b, c, d]) => [a ?? c, b ?? d]));
}

describe('the commands of docs/migration.md', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fairlead-migration-'));
    copyFileSync(join(FIXTURES, 'docs-deployment/before.yaml'), join(dir, 'api.yaml'));
    copyFileSync(join(FIXTURES, 'docs-payload/before.json'), join(dir, 'nightly-etl.json'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Through a shell, as they stand there; the plugin is what `kubectl fairlead` would find. */
  const sh = (script: string, stdin = '') => {
    const kubectl = `kubectl() { shift; "${process.execPath}" "${join(ROOT, 'src/kubectl/main.ts')}" "$@"; }\n`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', kubectl + script], {
      cwd: dir,
      input: stdin,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const offline = shellBlocks
    .map((text) => text.replaceAll(/^ +/gm, ''))
    .filter((text) => text.includes('migrate-placeholders') && !text.startsWith('kubectl get'));
  const read = (file: string) => readFileSync(join(dir, file), 'utf8');
  const fixture = (file: string) => readFileSync(join(FIXTURES, file), 'utf8');

  it('do what stands beside them, one after the other', () => {
    const [look, write, spark] = offline;
    expect(offline).toHaveLength(3);
    expect(sh(look ?? '')).toMatchObject({ status: 1 });
    expect(readdirSync(dir)).toEqual(['api.yaml', 'nightly-etl.json']);
    expect(sh(write ?? '')).toMatchObject({ status: 0 });
    expect(read('api.yaml')).toBe(fixture('docs-deployment/after.yaml'));
    expect(read('api.secretreference.yaml')).toBe(fixture('docs-deployment/references.yaml'));
    expect(sh(look ?? '')).toMatchObject({ status: 0, stdout: '' });
    expect(sh(spark ?? '')).toMatchObject({ status: 0 });
    expect(read('etl.secretreference.yaml')).toContain('  name: etl\n  namespace: marketing-jobs\n');
  });

  it('that stand in a sentence do it, too', () => {
    const inText = Array.from(DOC.matchAll(/^After `(kubectl fairlead [^`]+)`:$/gm), ([, line = '']) => line);
    expect(inText).toHaveLength(2);
    for (const line of inText) expect(sh(line)).toMatchObject({ status: 0 });
    expect(read('nightly-etl.json')).toBe(fixture('docs-payload/after.json'));
    expect(read('nightly-etl.secretreference.yaml')).toBe(fixture('docs-payload/references.yaml'));
  });

  it('find a placeholder in what kubectl prints of a cluster, but not in what was applied once', () => {
    const [, check = ''] = /\| (kubectl fairlead migrate-placeholders -)$/m.exec(DOC) ?? [];
    const list = (value: string, note: string) =>
      JSON.stringify({
        kind: 'List',
        items: [
          {
            ...{ apiVersion: 'v1', kind: 'Pod' },
            metadata: {
              name: 'a',
              annotations: { 'kubectl.kubernetes.io/last-applied-configuration': note },
            },
            spec: { containers: [{ name: 'main', env: [{ name: 'A', value }] }] },
          },
        ],
      });
    expect(sh(check, list('${secrets.a}', ''))).toMatchObject({ status: 1 });
    expect(sh(check, list('plain', '${secrets.a}'))).toMatchObject({ status: 0, stdout: '' });
  });
});
