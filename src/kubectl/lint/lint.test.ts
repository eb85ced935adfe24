import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODES, type Code, type Finding } from './codes.ts';
import { lint, type LintOptions } from './lint.ts';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const filesIn = (path: string, suffix: string) =>
  readdirSync(new URL(path, root)).filter((name) => name.endsWith(suffix));
const OPTIONS: LintOptions = { systemNamespace: 'fairlead-system', legacyNamespaces: [], strict: false };
const check = (path: string, options: Partial<LintOptions> = {}) =>
  lint([{ name: path, text: read(path) }], { ...OPTIONS, ...options });
const places = (findings: readonly Finding[]) => findings.map(({ line, code }) => `${line} ${code}`).sort();

/** `# lint: Code` stands in the line of a finding, `-above` and `-below` where no comment can. */
function expected(text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const [, where = '', codes = ''] = /# lint(-above|-below)?: (.*)$/.exec(line) ?? [];
    const at = index + 1 + ({ '-above': -1, '-below': 1 }[where] ?? 0);
    return codes === '' ? [] : codes.split(' ').map((code) => `${at} ${code}`);
  });
}

const fixtures = filesIn('test/fixtures/lint/', '.yaml');

describe('the fixtures', () => {
  it.each(fixtures)('%s has just the findings that it says it has', (name) => {
    const path = `test/fixtures/lint/${name}`;
    expect(places(check(path))).toEqual(expected(read(path)).sort());
  });

  it('have each code', () => {
    const seen = fixtures.flatMap((name) => expected(read(`test/fixtures/lint/${name}`)));
    const codes = new Set(seen.map((one) => one.split(' ')[1]));
    expect(Object.keys(CODES).filter((code) => !codes.has(code))).toEqual([]);
  });

  it.each(fixtures)('%s: no value is in any finding', (name) => {
    expect(JSON.stringify(check(`test/fixtures/lint/${name}`))).not.toContain('s3cr3t');
  });

  it('may be JSON, with lists of objects', () => {
    expect(check('test/fixtures/lint/list.json')).toMatchObject([
      { line: 9, column: 21, code: 'WrongValue', message: 'spec.env: should have at least 1 items' },
    ]);
  });
});

/** What config/policies say of the cluster, and no file can tell. */
const ONLY_THE_API_SERVER = [
  ...['bundle-account-name', 'bundle-own-account', 'bundle-own-accounts'],
  ...['import-foreign-domain', 'reference-foreign-domain', 'spark-foreign-domain'],
  'storage-foreign-domain',
];

describe('a manifest that the API server refuses', () => {
  const names = filesIn('test/fixtures/invalid/', '.yaml').map((name) => name.replace('.yaml', ''));

  it.each(names.filter((name) => !ONLY_THE_API_SERVER.includes(name)))('is refused here: %s', (name) => {
    const findings = check(`test/fixtures/invalid/${name}.yaml`);
    expect(findings.map(({ severity }) => severity)).toContain('error');
    // The rules are the same, so their words are, too.
    const message = read(`test/fixtures/invalid/${name}.message`).trim();
    const ofRules = findings.filter(({ code }) => code === 'RuleViolated').map((one) => one.message);
    if (ofRules.length > 0) expect(ofRules.join('\n')).toContain(message);
  });

  it.each(ONLY_THE_API_SERVER)('passes here, since only the API server can tell: %s', (name) => {
    expect(check(`test/fixtures/invalid/${name}.yaml`)).toEqual([]);
  });
});

describe('our own manifests', () => {
  const sources = (folder: string) =>
    filesIn(folder, '.yaml').map((name) => ({ name, text: read(folder + name) }));
  it.each([
    'config/samples/',
    'config/samples/jupyter/',
    'config/rbac/',
    'config/policies/',
    'config/webhook/',
    'crds/',
  ])('are without findings: %s', (folder) => {
    expect(lint(sources(folder), { ...OPTIONS, strict: true })).toEqual([]);
  });
});

describe('options', () => {
  const codes = (findings: readonly Finding[]) => findings.map(({ code, severity }) => `${severity} ${code}`);

  it('name namespaces with legacy placeholders', () => {
    const findings = check('test/fixtures/lint/placeholders.yaml', { legacyNamespaces: ['elsewhere'] });
    expect(codes(findings)).not.toContain('warning PlaceholderUncertain');
  });

  it('name another system namespace', () => {
    const findings = check('test/fixtures/lint/kinds.yaml', { systemNamespace: 'team-a' });
    expect(codes(findings)).not.toContain('error WrongNamespace');
  });

  it('make warnings of infos', () => {
    const [loose, strict] = [false, true].map((strict) =>
      codes(check('test/fixtures/lint/annotations.yaml', { strict })),
    );
    expect(loose).toContain('info ReferenceUndefined');
    expect(strict).toContain('warning ReferenceUndefined');
  });
});

describe('what is no manifest of a cluster', () => {
  it.each([
    ['nothing', ''],
    ['comments', '# nothing\n---\n'],
    [
      'a kustomization',
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
    ],
    ['kinds of others', 'apiVersion: example.com/v1\nkind: SecretReference\nmetadata: { name: a }\n'],
    [
      'odd pods',
      'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [1, { env: [null, 3] }, null] }\n',
    ],
  ])('passes: %s', (_, text) => {
    expect(lint([{ name: 'x', text }], OPTIONS)).toEqual([]);
  });

  it.each([
    ['tabs and colons', 'a:\n\tb: s3cr3t: c', 'NotYaml'],
    ['the same key twice', 'a: s3cr3t\na: s3cr3t', 'NotYaml'],
    ['a text', 's3cr3t', 'NotAnObject'],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(40)}]\nc: &c [${'*b,'.repeat(40)}]\nd: [${'*c,'.repeat(40)}]`,
      'NotYaml',
    ],
  ])('is refused without being quoted: %s', (_, text, code) => {
    const findings = lint([{ name: 'x', text }], OPTIONS);
    expect(findings.map((one) => one.code)).toEqual([code as Code]);
    expect(JSON.stringify(findings)).not.toContain('s3cr3t');
  });
});
