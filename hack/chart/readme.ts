/** charts/fairlead/README.md: a table of all values, made of the comments in values.yaml. */
import { isMap, isScalar, parseDocument, type Node, type Pair, type YAMLMap } from 'yaml';

export interface Value {
  /** Like `image.tag`. */
  readonly path: string;
  /** In one line, as one would write it in YAML. */
  readonly fallback: string;
  readonly meaning: string;
}

/** Every value with its comment. Throws if one has none, for nobody would know what it is for. */
export function valuesOf(yaml: string): Value[] {
  const { contents } = parseDocument(yaml);
  if (!isMap(contents)) throw new Error('the values are no map');
  return leaves(contents, []);
}

function leaves(map: YAMLMap, above: readonly string[]): Value[] {
  return map.items.flatMap((pair, index) => {
    const path = [...above, keyOf(pair)];
    const { value } = pair;
    if (isMap(value) && !isLeaf(value, path)) return leaves(value, path);
    const meaning = commentOf(pair, index === 0 ? map : undefined);
    if (meaning === undefined) throw new Error(`values.yaml: ${path.join('.')} has no comment`);
    return [{ path: path.join('.'), fallback: JSON.stringify((value as Node).toJSON()), meaning }];
  });
}

/** What Kubernetes knows is one value, however many lines it takes. */
function isLeaf(map: YAMLMap, path: readonly string[]): boolean {
  return map.flow === true || path.at(-1) === 'resources';
}

/** The comment before the first key of a map belongs, for the parser, to the map; a blank line ends what is not meant. */
function commentOf(pair: Pair, map: YAMLMap | undefined): string | undefined {
  const before = [map?.commentBefore, isScalar(pair.key) ? pair.key.commentBefore : undefined];
  const comment = before.find((text) => text !== undefined && text !== null);
  const last = comment?.split(/\n\s*\n/).at(-1);
  return last?.replaceAll(/\s*\n\s*/g, ' ').trim();
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

/** The text of the README. */
export function chartReadme(yaml: string): string {
  const rows = valuesOf(yaml).map(
    ({ path, fallback, meaning }) => `| \`${path}\` | \`${cell(fallback)}\` | ${cell(meaning)} |`,
  );
  return `<!-- Generated from values.yaml by hack/generate.ts; do not edit. -->

# Fairlead

Secrets from where they are kept (HashiCorp Vault, the stores of domains) into Spark and Jupyter pods, as environment variables.

\`\`\`sh
kubectl create namespace fairlead-system
kubectl label namespace fairlead-system pod-security.kubernetes.io/enforce=restricted
helm install fairlead charts/fairlead -n fairlead-system --wait \\
  --set image.repository=registry.example.com/fairlead --set image.tag=0.1.0
\`\`\`

There is one Fairlead in a cluster, and its objects have fixed names, since its policies fence it in by name. The namespace
of the release is the system namespace, which holds the stores. How to run it, upgrade it and take it out is in
[docs/operations.md](../../docs/operations.md).

## Values

A name or a type that is not in this table is refused by \`helm\` before it touches the cluster.

| value | default | meaning |
|---|---|---|
${rows.join('\n')}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/<[^>]+>/g, (word) => `\`${word}\``);
}
