import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lint } from '../lint/lint.ts';
import { migrate, type Migrated, type MigrateOptions } from './migrate.ts';
import { parseMapping } from './source.ts';

const FIXTURES = new URL('../../../test/fixtures/migrate/', import.meta.url).pathname;

const OPTIONS: MigrateOptions = {
  mapping: parseMapping(undefined, []),
  ...{ name: undefined, namespace: undefined, storageProperty: undefined },
};
const run = (text: string, more: Partial<MigrateOptions> = {}, name = 'a.yaml') =>
  migrate([{ name, text }], { ...OPTIONS, ...more });
const textOfReferences = ({ references }: Migrated) => references.map(({ text }) => text).join('---\n');
const left = (result: Migrated) =>
  result.left.map(({ line, column, path, why }) => `${line}:${column}: ${path}: ${why}\n`).join('');

/** A pod with these env entries, as YAML. */
const pod = (env: string, more = '') =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: app${more}\nspec:\n  containers:\n  - name: main\n    image: a\n    env:\n${env}`;
const entry = (name: string, value: string) => `    - name: ${name}\n      value: ${value}\n`;
describe.each(readdirSync(FIXTURES))('%s', (name) => {
  const dir = join(FIXTURES, name);
  const read = (file: string) => readFileSync(join(dir, file), 'utf8');
  const [before = ''] = readdirSync(dir).filter((file) => file.startsWith('before.'));
  const after = before.replace('before', 'after');
  const result = run(read(before), {}, before);

  it('becomes what stands beside it, with a reference, and tells what is left', () => {
    expect(result.failures).toEqual([]);
    expect(result.files[0]?.after).toBe(read(after));
    expect(textOfReferences(result)).toBe(read('references.yaml'));
    expect(left(result)).toBe(read('left.txt'));
  });

  it('stays as it is the second time', () => {
    const again = run(read(after), {}, after);
    expect(again.files[0]?.after).toBe(read(after));
    expect(again).toMatchObject({ moved: [], references: [], failures: [] });
    expect(again.left).toHaveLength(result.left.length);
  });

  it('is right for lint', () => {
    const files = [{ name: 'references.yaml', text: read('references.yaml') }];
    if (!before.endsWith('.json')) files.push({ name: after, text: read(after) });
    const options = { systemNamespace: 'fairlead-system', legacyNamespaces: [], strict: false };
    const errors = lint(files, options).filter(({ severity }) => severity === 'error');
    // A placeholder in args is one with lint, too.
    expect(errors.filter(({ code }) => code !== 'PlaceholderNeverWorks')).toEqual([]);
  });
});

describe('where the keys are from now on', () => {
  const both = pod(entry('A', '${secrets.a}') + entry('B', '${secrets.b}'));

  it('is told for all of them', () => {
    const text = textOfReferences(run(both, { mapping: parseMapping('VAULT:vault-prod', []) }));
    expect(text).toContain('secret: { key: a, source: { type: VAULT, id: vault-prod } }');
    expect(text).toContain('secret: { key: b, source: { type: VAULT, id: vault-prod } }');
  });

  it('is told for one, with another key', () => {
    const mapping = parseMapping(undefined, ['b=VAULT:vault-prod:db:main']);
    const text = textOfReferences(run(both, { mapping }));
    expect(text).toContain('secret: { key: a, source: { type: KUBERNETES, id: global } }');
    expect(text).toContain('secret: { key: db:main, source: { type: VAULT, id: vault-prod } }');
  });
});

describe('the reference', () => {
  const manifest = pod(entry('A', '${secrets.a}'));

  it('has the name and the namespace that are given', () => {
    const { references } = run(manifest, { name: 'warehouse', namespace: 'jobs' }, 'dir/a.yaml');
    expect(references).toMatchObject([{ file: 'dir/warehouse.secretreference.yaml' }]);
    expect(references[0]?.text).toContain('  name: warehouse\n  namespace: jobs\n');
  });

  it('is one for all files with --name, and keeps apart what differs', () => {
    const other = pod(entry('A', '${secrets.other}') + entry('B', '${secrets.b}'));
    const result = migrate(
      [
        { name: 'x/a.yaml', text: manifest },
        { name: 'y/b.yaml', text: other },
      ],
      { ...OPTIONS, name: 'warehouse' },
    );
    expect(result.references).toHaveLength(1);
    expect(result.references[0]?.file).toBe('x/warehouse.secretreference.yaml');
    expect(result.references[0]?.text.match(/- name: \w+/g)).toEqual([
      '- name: A',
      '- name: B',
      '- name: OTHER',
    ]);
    expect(result.files[1]?.after).toContain('value: $(OTHER)');
  });

  it('is not written where a workload has no name', () => {
    const nameless = manifest.replace('name: app', 'generateName: app-');
    expect(run(nameless).failures[0]?.message).toContain('--name');
    expect(run(nameless, { name: 'app' }).failures).toEqual([]);
  });

  it('never takes the place of one that the pod names already', () => {
    const named = pod(entry('A', '${secrets.a}'), '\n  annotations: {fairlead.dev/secret-references: app}');
    expect(run(named, { name: 'app' }).failures[0]?.message).toContain('names the reference app already');
    expect(run(named).references[0]?.file).toBe('app-pod.secretreference.yaml');
  });

  it('is not written if it asked for too much', () => {
    const many = Array.from({ length: 257 }, (_, n) => entry(`V${n}`, `\${secrets.k${n}}`)).join('');
    expect(run(pod(many)).failures).toMatchObject([{ file: 'app.secretreference.yaml' }]);
    const full = Array.from({ length: 16 }, (_, n) => `r${n}`).join(',');
    const crowded = pod(
      entry('A', '${secrets.a}'),
      `\n  annotations: {fairlead.dev/secret-references: "${full}"}`,
    );
    expect(run(crowded).failures[0]?.message).toContain('17 SecretReferences');
  });
});

describe('what cannot be changed safely', () => {
  it.each([
    ['no YAML', 'a: [s3cret', 1, 'not YAML'],
    ['a key that stands twice', `${pod(entry('A', '${secrets.a}'))}    image: s3cret\n`, 12, 'twice'],
    [
      'anchors and aliases',
      `${pod(entry('A', '${secrets.a}'))}  - name: other\n    env: &s3cret []\n  - name: third\n    env: *s3cret\n`,
      1,
      'anchors and aliases',
    ],
    [
      'metadata that is no map',
      pod(entry('A', '${secrets.a}'), '\n  annotations: s3cret'),
      1,
      'annotations is no map',
    ],
  ])('is told, and nothing is changed: %s', (_, text, line, message) => {
    const result = run(text);
    expect(result.failures).toHaveLength(1);
    expect(result.failures[0]).toMatchObject({ file: 'a.yaml', line });
    expect(result.failures[0]?.message).toContain(message);
    expect(JSON.stringify(result.failures)).not.toContain('s3cret');
  });

  it('is no matter in a document without a placeholder', () => {
    const aliased = 'a: &x {b: 1}\nc: *x\n';
    const result = run(`${aliased}---\n${pod(entry('A', '${secrets.a}'))}`);
    expect(result.failures).toEqual([]);
    expect(result.files[0]?.after.startsWith(`${aliased}---\n`)).toBe(true);
  });

  it('is not made worse by names that objects have', () => {
    const text = pod(
      `${entry('__proto__', '${secrets.constructor}')}    - {__proto__: {a: b}, name: C, value: d}\n`,
    );
    const result = run(text);
    expect(result.failures).toEqual([]);
    expect(textOfReferences(result)).toContain('- name: __proto__\n      secret: { key: constructor,');
    expect(result.files[0]?.after).toContain('    - {__proto__: {a: b}, name: C, value: d}\n');
  });

  it.each([
    ['just text'],
    ['- 1\n- 2\n'],
    [''],
    ['{}'],
    ['kind: Pod\napiVersion: v1\nspec: {containers: 3}\n'],
  ])('has nothing to move: %j', (text) => {
    expect(run(text)).toMatchObject({ moved: [], left: [], failures: [], references: [] });
    expect(run(text).files[0]?.after).toBe(text);
  });
});

describe('storageSecret', () => {
  const payload = JSON.stringify({
    name: 'lake',
    type: 'azure',
    storageSecret: { key: 'k', source: { type: 'VAULT', id: 'v' } },
  });

  it('goes to the property that is named', () => {
    const result = run(payload, {
      storageProperty: 'spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net',
    });
    expect(result.left).toEqual([]);
    expect(textOfReferences(result)).toContain(
      '- name: spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net',
    );
  });
});

it('a workload without secrets takes no name from another one', () => {
  const service = pod(entry('A', 'plain'));
  expect(run(`${service}---\n${pod(entry('A', '${secrets.a}'))}`).references[0]?.file).toBe(
    'app.secretreference.yaml',
  );
});
