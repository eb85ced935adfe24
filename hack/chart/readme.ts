/** charts/fairlead/README.md: every value with its default and what values.yaml says of it, so that it is said once. */
import { readFile } from 'node:fs/promises';
import { isMap, isPair, isScalar, parseDocument, stringify, type Node, type Pair, type YAMLMap } from 'yaml';

const VALUES = new URL('../../charts/fairlead/values.yaml', import.meta.url);

export interface Value {
  readonly name: string;
  readonly preset: string;
  readonly text: string;
}

/** Pure: the values of a values.yaml, as the comments above them tell. A map that says nothing is its fields. */
export function valuesOf(text: string): readonly Value[] {
  const { contents } = parseDocument(text);
  return isMap(contents) ? fieldsOf(contents, '') : [];
}

function fieldsOf(map: YAMLMap, prefix: string): Value[] {
  return map.items
    .filter(isPair)
    .flatMap((pair, i) => valueOf(pair as Pair<Node, Node | null>, map, prefix, i));
}

function valueOf(
  { key, value }: Pair<Node, Node | null>,
  map: YAMLMap,
  prefix: string,
  index: number,
): Value[] {
  const name = prefix + (isScalar(key) ? String(key.value) : '');
  // The parser takes what stands above the first field for a comment on the map.
  const above = index === 0 && prefix !== '' ? map.commentBefore : undefined;
  // What stands above an empty line is about more than this one.
  const paragraph = (key.commentBefore ?? above ?? '').split(/\n\s*\n/).at(-1) ?? '';
  const text = paragraph.replaceAll(/\s*\n\s*/g, ' ').trim();
  if (isMap(value) && value.items.length > 0 && !value.flow && !name.endsWith('resources')) {
    const fields = fieldsOf(value, `${name}.`);
    return text === '' ? fields : [{ name, preset: '', text }, ...fields];
  }
  const preset = value === null ? '' : stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  return [{ name, preset, text }];
}

/** The whole page. */
export async function chartReadme(): Promise<string> {
  const values = valuesOf(await readFile(VALUES, 'utf8'));
  const rows = values.map(
    ({ name, preset, text }) =>
      `| \`${name}\` | ${preset === '' ? '' : `\`${preset.replaceAll('|', '\\|')}\``} | ${text.replaceAll(/[|<]/g, '\\$&')} |`,
  );
  return [
    '<!-- Generated from values.yaml by hack/generate.ts; do not edit. -->',
    '',
    '# Fairlead',
    '',
    'Secrets from where they are kept (HashiCorp Vault, the stores of domains) into Spark and Jupyter pods.',
    '',
    '```bash',
    'helm install fairlead charts/fairlead --namespace fairlead-system --create-namespace',
    '```',
    '',
    'How to install, upgrade, run and remove it stands in [docs/operations.md](../../docs/operations.md). `helm install` refuses',
    'a value that is not in this table. `config/` has the same objects for kustomize.',
    '',
    '| value | default | what it is |',
    '| ----- | ------- | ---------- |',
    ...rows,
    '',
  ].join('\n');
}
