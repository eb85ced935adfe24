import { Document, type YAMLMap } from 'yaml';
import { API_VERSION } from '../../api/names.ts';
import type { SecretObject } from '../../api/secret-object.ts';
import { propertyKind } from '../../api/spark-property.ts';
import { RESERVED_VARIABLES, VARIABLE_NAME } from '../../api/variable-name.ts';
import { variableName } from '../../resolve/import-names.ts';
import { sameSecret } from '../../resolve/place.ts';

interface Entry {
  readonly secret: SecretObject;
  /** Of the manifest: they go where the entry goes. */
  readonly comments: string[];
}

const identifier = new RegExp(VARIABLE_NAME);
const reserved = new RegExp(RESERVED_VARIABLES);

/** May a reference have a variable of this name? */
export function isVariable(name: string): boolean {
  return name.length <= 253 && identifier.test(name) && !reserved.test(name);
}

/** A SecretReference that is being put together. */
export class Draft {
  readonly name: string;
  readonly namespace: string;
  readonly env = new Map<string, Entry>();
  readonly sparkConf = new Map<string, Entry>();

  constructor(name: string, namespace: string) {
    this.name = name;
    this.namespace = namespace;
  }

  get size(): number {
    return this.env.size + this.sparkConf.size;
  }

  /** False if the name cannot be a variable, or is one with another secret. */
  addVariable(name: string, secret: SecretObject, comments: readonly string[] = []): boolean {
    return isVariable(name) && add(this.env, name, secret, comments);
  }

  /** False if a secret must not become the property, or it is there with another secret. */
  addProperty(name: string, secret: SecretObject, comments: readonly string[] = []): boolean {
    return propertyKind(name) !== undefined && add(this.sparkConf, name, secret, comments);
  }

  /** A variable for the secret that none of `taken` hides: one that is there, or a new one named after the key. */
  variableFor(secret: SecretObject, taken: ReadonlySet<string>): string {
    for (const [name, entry] of this.env)
      if (sameSecret(entry.secret, secret) && !taken.has(name)) return name;
    const wish = variableName({ names: 'upperSnake' }, { key: secret.key, path: [] });
    const base = isVariable(wish) ? wish : `SECRET_${wish}`.slice(0, 240);
    const free = (name: string) => !taken.has(name) && !this.env.has(name);
    let name = base;
    for (let n = 2; !free(name); n++) name = `${base}_${n}`;
    this.addVariable(name, secret);
    return name;
  }
}

function add(
  entries: Map<string, Entry>,
  name: string,
  secret: SecretObject,
  comments: readonly string[],
): boolean {
  const there = entries.get(name);
  if (there) {
    if (!sameSecret(there.secret, secret)) return false;
    there.comments.push(...comments);
  } else entries.set(name, { secret, comments: [...comments] });
  return true;
}

/** The references as YAML, with the comments that stood beside what they hold now. */
export function referenceText(drafts: readonly Draft[]): string {
  return drafts.map((draft) => documentOf(draft).toString({ lineWidth: 0 })).join('---\n');
}

function documentOf({ name, namespace, env, sparkConf }: Draft): Document {
  const document = new Document({
    apiVersion: API_VERSION,
    kind: 'SecretReference',
    metadata: { name, ...(namespace !== '' && { namespace }) },
    spec: {},
  });
  for (const [field, entries] of [
    ['env', env],
    ['sparkConf', sparkConf],
  ] as const) {
    if (entries.size === 0) continue;
    const items = [...entries].map(([called, { secret, comments }]) => {
      const item = document.createNode({ name: called, secret }) as YAMLMap;
      (item.get('secret', true) as unknown as YAMLMap).flow = true;
      if (comments.length > 0) item.commentBefore = comments.join('\n');
      return item;
    });
    document.setIn(['spec', field], items);
  }
  return document;
}
