import { customResourceDefinition } from '../../api/crd.ts';
import { API_VERSION, DOMAIN_LABEL, GROUP } from '../../api/names.ts';
import { resourceBundle } from '../../api/resource-bundle.ts';
import { secretReference, type NamedSource, type SecretReferenceSpec } from '../../api/secret-reference.ts';
import { storageConfig, type StorageConfigSpec } from '../../api/storage-config.ts';
import { vaultIntegration } from '../../api/vault-integration.ts';
import { refusal } from '../../resolve/permission.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import type { Found } from './codes.ts';
import { objectAt, type Manifest } from './documents.ts';
import { check, type Schema } from './schema.ts';

const KINDS = new Map(
  [vaultIntegration, secretReference, storageConfig, resourceBundle].map((kind) => [kind.kind, kind]),
);
const IN_SYSTEM: readonly string[] = [vaultIntegration.kind, resourceBundle.kind];
const schemas = new Map<string, Schema>();

/** What the API server would see of a whole object; `status` is not ours to check. */
function schemaOf(kind: string): Schema | undefined {
  const definition = KINDS.get(kind);
  if (!definition) return undefined;
  let schema = schemas.get(kind);
  if (!schema) {
    const crd = customResourceDefinition(definition) as unknown as {
      spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
    };
    const whole = crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
    schema = { ...whole, properties: { ...whole.properties, status: { type: 'object' } } };
    schemas.set(kind, schema);
  }
  return schema;
}

export interface KindOptions {
  readonly systemNamespace: string;
  /** The domain of a namespace that the files define; null: it has none. */
  readonly domainOf: (namespace: string) => string | null | undefined;
}

/** What is wrong with an object of a kind of ours; nothing for other objects. */
export function checkKind(manifest: Manifest, options: KindOptions): Found[] {
  const { apiVersion, kind, value } = manifest;
  const ours = apiVersion === GROUP || apiVersion.startsWith(`${GROUP}/`);
  const schema = schemaOf(kind);
  if (!ours) {
    // Kinds of these names of other projects are none of our business; one that only misses the group is.
    const near = schema && /fairlead/.test(apiVersion);
    return near ? [wrongVersion(kind)] : [];
  }
  if (!schema)
    return [{ code: 'UnknownKind', path: ['kind'], message: `the group ${GROUP} has no kind of this name` }];
  if (apiVersion !== API_VERSION) return [wrongVersion(kind)];
  const found = [...check(value, schema, []), ...wrongNamespace(manifest, options.systemNamespace)];
  if (found.length > 0) return found;
  if (kind === secretReference.kind) return beyondSchema(manifest, options);
  return kind === storageConfig.kind ? ofStorage(manifest, options) : [];
}

function wrongVersion(kind: string): Found {
  return {
    code: 'WrongVersion',
    path: ['apiVersion'],
    message: `a ${kind} has the apiVersion ${API_VERSION}`,
  };
}

function wrongNamespace({ kind, namespace }: Manifest, system: string): Found[] {
  if (!IN_SYSTEM.includes(kind) || namespace === '' || namespace === system) return [];
  const message = `a ${kind} belongs into the system namespace ${system}`;
  return [{ code: 'WrongNamespace', path: ['metadata', 'namespace'], message }];
}

/** What policies and the resolver say about a reference that is as the CRD wants it. */
function beyondSchema({ value, name, namespace }: Manifest, { domainOf }: KindOptions): Found[] {
  const spec = objectAt(value, 'spec') as unknown as SecretReferenceSpec;
  const { problems } = collectWanted([{ name, ...spec }], []);
  const tooMuch = problems.map(({ message }): Found => ({
    code: 'TooMuch',
    path: ['spec'],
    atKey: true,
    message,
  }));
  const { env = [], envFrom = [], sparkConf = [] } = spec;
  const sources = [
    ...env.map(({ secret }, i) => [secret.source, ['spec', 'env', i, 'secret', 'source']] as const),
    ...envFrom.map(({ source }, i) => [source, ['spec', 'envFrom', i, 'source']] as const),
    ...sparkConf.map(
      ({ secret }, i) => [secret.source, ['spec', 'sparkConf', i, 'secret', 'source']] as const,
    ),
  ];
  return [...tooMuch, ...foreignStores(namespace, domainOf, sources)];
}

/** The same of a storage; what stands in it in plain text is a finding of checkSecrets. */
function ofStorage({ value, namespace }: Manifest, { domainOf }: KindOptions): Found[] {
  const { accessKeySecret, storageSecret } = objectAt(value, 'spec') as unknown as StorageConfigSpec;
  const sources = Object.entries({ accessKeySecret, storageSecret }).flatMap(([field, secret]): Placed[] =>
    secret ? [[secret.source, ['spec', field, 'source']]] : [],
  );
  return foreignStores(namespace, domainOf, sources);
}

type Placed = readonly [source: NamedSource, path: Found['path']];

function foreignStores(
  namespace: string,
  domainOf: KindOptions['domainOf'],
  sources: readonly Placed[],
): Found[] {
  const domain = domainOf(namespace);
  if (domain === undefined) return [];
  if (domain === null) {
    const message = `namespace ${namespace} has no label ${DOMAIN_LABEL}, so its references may use no source`;
    return [{ code: 'DomainForbidden', path: ['metadata', 'namespace'], message }];
  }
  return sources.flatMap(([source, path]): Found[] => {
    // Which domains an integration is shared with says the cluster.
    const refused = source.type === 'KUBERNETES' && refusal(domain, source, () => undefined);
    return refused ? [{ code: 'DomainForbidden', path, message: refused.message }] : [];
  });
}
