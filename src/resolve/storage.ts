import type { StorageConfigSpec } from '../api/storage-config.ts';
import type { SecretSpot } from './place.ts';
import type { FieldsState } from './state.ts';

/** What a StorageConfig says, as far as the resolver cares. */
export interface Storage {
  readonly name: string;
  readonly spec: StorageConfigSpec;
}

/** A variable or a Spark property, and where its value is. */
export interface StorageEntry {
  readonly name: string;
  readonly secret: SecretSpot;
}

/** Which variables its SDKs read: two storages of one family cannot both have them. */
export type SdkFamily = 'aws' | 'azure';

export interface StorageEntries {
  readonly family: SdkFamily;
  readonly variables: readonly StorageEntry[];
  readonly properties: readonly StorageEntry[];
}

/**
 * What a pod gets of a storage: the variables of its SDKs, and Spark properties for its bucket alone, so that several
 * storages live side by side. Where no secret object says otherwise, the value is one of `storageFields`.
 */
export function storageEntries({ name, spec }: Storage): StorageEntries {
  const entries = (names: Readonly<Record<string, Field>>): StorageEntry[] =>
    Object.entries(names).map(([of, field]) => ({ name: of, secret: spotOf(field, { name, spec }) }));
  if (spec.type === 'azure') {
    const key = `spark.hadoop.fs.azure.account.key.${accountHost(spec)}`;
    return {
      family: 'azure',
      variables: entries(AZURE_VARIABLES),
      properties: entries({ [key]: 'secretKey' }),
    };
  }
  const fields = storageFields(spec);
  const bucket = `spark.hadoop.fs.s3a.bucket.${spec.bucket ?? ''}.`;
  const ofBucket = Object.entries(S3A_PROPERTIES).map(([of, field]) => [bucket + of, field] as const);
  // A secret that is neither named nor there is a problem of its entry; all else is left out.
  const wanted = ([, field]: readonly [string, Field]) => isKey(field) || fields.has(field);
  return {
    family: 'aws',
    variables: entries(Object.fromEntries(Object.entries(variablesOf(spec)).filter(wanted))),
    properties: entries(Object.fromEntries(ofBucket.filter(wanted))),
  };
}

/** The values that stand in a StorageConfig or follow from it, by the names that `storageEntries` gives them. */
export function storageFields(spec: StorageConfigSpec): ReadonlyMap<Field, string> {
  const { type, accessKey, secretKey, region, pathStyle } = spec;
  const fields: Partial<Record<Field, string | undefined>> =
    type === 'azure'
      ? { account: accountOf(spec), secretKey }
      : {
          accessKey,
          secretKey,
          endpoint: spec.endpoint ?? defaultEndpoint(spec),
          region: region ?? (type === 'gcs' ? 'auto' : 'us-east-1'),
          pathStyle: String(pathStyle ?? type !== 's3'),
          provider: KEYS_ONLY,
          ...(type === 'gcs' && { multiDelete: 'false', listVersion: '1' }),
        };
  return new Map(
    Object.entries(fields).flatMap(([field, value]) =>
      value === undefined ? [] : [[field as Field, value]],
    ),
  );
}

/** The same as a source says it. */
export function storageState({ name, spec }: Storage): FieldsState {
  return { kind: 'fields', location: `StorageConfig ${name}`, fields: storageFields(spec) };
}

type Field =
  | 'account'
  | 'accessKey'
  | 'secretKey'
  | 'endpoint'
  | 'region'
  | 'pathStyle'
  | 'provider'
  | 'multiDelete'
  | 'listVersion';

/** Both regions: Python's and the command line's SDK read the second one alone. */
const AWS_VARIABLES = {
  AWS_ACCESS_KEY_ID: 'accessKey',
  AWS_SECRET_ACCESS_KEY: 'secretKey',
  AWS_REGION: 'region',
  AWS_DEFAULT_REGION: 'region',
} as const satisfies Record<string, Field>;

/** SDKs know Amazon's own endpoints, also those of other partitions. */
function variablesOf(spec: StorageConfigSpec): Readonly<Record<string, Field>> {
  const isOwn = spec.type === 's3' && spec.endpoint === undefined;
  return isOwn ? AWS_VARIABLES : { ...AWS_VARIABLES, AWS_ENDPOINT_URL_S3: 'endpoint' };
}

/** The command line and most SDKs have agreed on no common names. */
const AZURE_VARIABLES = {
  AZURE_STORAGE_ACCOUNT: 'account',
  AZURE_STORAGE_KEY: 'secretKey',
  AZURE_STORAGE_ACCOUNT_NAME: 'account',
  AZURE_STORAGE_ACCOUNT_KEY: 'secretKey',
} as const satisfies Record<string, Field>;

/** All that says where the bucket is and how to get in, so that what is set for all buckets does not matter. */
const S3A_PROPERTIES = {
  'access.key': 'accessKey',
  'secret.key': 'secretKey',
  'aws.credentials.provider': 'provider',
  endpoint: 'endpoint',
  'endpoint.region': 'region',
  'path.style.access': 'pathStyle',
  'multiobjectdelete.enable': 'multiDelete',
  'list.version': 'listVersion',
} as const satisfies Record<string, Field>;

/** Of the same name in Hadoop 3.3 and 3.4; it reads the two keys and nothing else. */
const KEYS_ONLY = 'org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider';

const isKey = (field: Field): boolean => field === 'accessKey' || field === 'secretKey';

function spotOf(field: Field, { name, spec }: Storage): SecretSpot {
  const { accessKeySecret, storageSecret } = spec;
  if (field === 'accessKey' && accessKeySecret) return accessKeySecret;
  if (field === 'secretKey' && storageSecret) return storageSecret;
  return { key: field, source: { type: 'STORAGE', id: name } };
}

/** Written out: a bucket without one would go to the endpoint that is set for all others, as by AWS_ENDPOINT_URL_S3. */
function defaultEndpoint({ type, region = 'us-east-1' }: StorageConfigSpec): string | undefined {
  if (type === 'gcs') return 'https://storage.googleapis.com';
  return type === 's3'
    ? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
    : undefined;
}

function accountOf({ accessKey, endpoint }: StorageConfigSpec): string | undefined {
  return accessKey ?? hostOf(endpoint)?.split('.')[0];
}

/** The host in `abfss://` addresses, by which Hadoop looks for the key. */
function accountHost(spec: StorageConfigSpec): string {
  const host = hostOf(spec.endpoint) ?? `${accountOf(spec) ?? ''}.dfs.core.windows.net`;
  return host.replace('.blob.', '.dfs.');
}

function hostOf(endpoint: string | undefined): string | undefined {
  return endpoint && /^https?:\/\/([^:/]+)/.exec(endpoint)?.[1];
}
