import { z } from 'zod';
import { cel, conditionedStatus, defineKind, entryStates, READY_COLUMNS } from './schema.ts';
import { secretObject } from './secret-object.ts';

export const STORAGE_TYPES = ['s3', 'minio', 'gcs', 'azure'] as const;
export type StorageType = (typeof STORAGE_TYPES)[number];

const matching = (max: number, pattern: string, message: string) =>
  z
    .string()
    .min(1)
    .max(max)
    .meta(cel([`self.matches('${pattern}')`, message]));

const withoutControlCharacters = (field: string): [string, string] => [
  `!has(self.${field}) || !self.${field}.matches('[[:cntrl:]]')`,
  `${field} must not contain control characters`,
];

const isAzure = `self.type == 'azure'`;

const spec = z
  .object({
    type: z
      .enum(STORAGE_TYPES)
      .describe(
        's3: Amazon, or another store with its API. minio. gcs: Google, by its XML API and HMAC keys. azure: Data Lake Storage Gen2, by the key of the account.',
      ),
    endpoint: matching(
      253,
      '^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$',
      'must be an origin: http:// or https://, a host in lower case letters and perhaps a port, for example https://minio.example.com:9000',
    )
      .optional()
      .describe(
        "Where the store answers. Needed for minio; s3: Amazon's for the region if absent; gcs: https://storage.googleapis.com if absent; azure: https://<account>.dfs.core.windows.net if absent.",
      ),
    region: matching(64, '^[a-z0-9-]+$', "must consist of lower case letters, digits and '-'")
      .optional()
      .describe('The region that requests are signed for.'),
    bucket: matching(
      63,
      '^[a-z0-9][a-z0-9.-]*[a-z0-9]$',
      "must be the name of a bucket: lower case letters, digits, '-' and '.', at most 63 characters",
    )
      .optional()
      .describe('The bucket that the Spark properties are for; azure: the container, for people to read.'),
    pathStyle: z
      .boolean()
      .optional()
      .describe(
        'Spark puts the bucket into the path and not into the host name. If absent: true for minio and gcs, false for s3.',
      ),
    accessKey: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe(
        'Deprecated, except for azure: the id of the access key in plain text; use accessKeySecret. azure: the name of the account, which is no secret.',
      ),
    secretKey: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'Deprecated: the secret key in plain text; use storageSecret, which takes precedence over it.',
      ),
    accessKeySecret: secretObject
      .optional()
      .describe('Where the id of the access key is. Takes precedence over accessKey.'),
    storageSecret: secretObject
      .optional()
      .describe('Where the secret key is; azure: the key of the account. Takes precedence over secretKey.'),
  })
  // Rules of accessKey and secretKey stand here, too: the API server quotes the value of a field that breaks its own.
  .meta(
    cel(
      ...(['accessKey', 'secretKey'] as const).map(withoutControlCharacters),
      [
        `self.type != 's3' || has(self.endpoint) || !has(self.region) || !self.region.matches('^(us-iso|us-isob|us-isof|eu-isoe|eusc)-')`,
        's3: must have an endpoint in a region of this partition of Amazon: it is not below amazonaws.com',
      ],
      [`has(self.storageSecret) || has(self.secretKey)`, 'must have storageSecret, where the secret key is'],
      [
        `${isAzure} || has(self.accessKeySecret) || has(self.accessKey)`,
        'must have accessKeySecret, where the id of the access key is',
      ],
      [`${isAzure} || has(self.bucket)`, 'must have a bucket'],
      [`self.type != 'minio' || has(self.endpoint)`, 'minio: must have an endpoint'],
      [
        `self.type != 's3' || has(self.region) || (has(self.endpoint) && !self.endpoint.contains('.amazonaws.com'))`,
        's3: must have a region, unless the endpoint is that of another store than Amazon',
      ],
      [
        `!(${isAzure}) || has(self.accessKey) || has(self.endpoint)`,
        'azure: must have accessKey, which is the name of the account, or an endpoint that begins with it',
      ],
      [
        `!(${isAzure}) || !has(self.accessKey) || self.accessKey.matches('^[a-z0-9]{3,24}$')`,
        'azure: accessKey is the name of the account: 3 to 24 lower case letters and digits',
      ],
      [
        `!(${isAzure}) || !has(self.endpoint) || self.endpoint.matches('^https?://[a-z0-9]{3,24}[.](dfs|blob)[.][a-z0-9.-]+$')`,
        'azure: the endpoint must begin with the name of the account, for example https://account.dfs.core.windows.net',
      ],
      [
        `!(${isAzure}) || !has(self.endpoint) || !has(self.accessKey) || self.endpoint.contains('://' + self.accessKey + '.')`,
        'azure: the endpoint is that of another account than accessKey',
      ],
      [
        `!(${isAzure}) || !(has(self.accessKeySecret) || has(self.region) || has(self.pathStyle))`,
        'azure: accessKeySecret, region and pathStyle are for the other types; the name of the account is no secret, it stands in names of properties',
      ],
    ),
  );

const status = conditionedStatus({
  entries: entryStates(z.string().describe('STORAGE: the value stands in the StorageConfig itself.')),
});

/** A bucket and the keys to it; pods of the namespace name it in an annotation. */
export const storageConfig = defineKind({
  kind: 'StorageConfig',
  plural: 'storageconfigs',
  shortNames: ['stc'],
  description:
    'An object store and the keys to it. Pods of the same namespace that name it in the annotation fairlead.dev/storage get the environment variables and the Spark properties that SDKs and Spark read by themselves.',
  spec,
  status,
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.spec.type' },
    { name: 'Endpoint', type: 'string', jsonPath: '.spec.endpoint' },
    { name: 'Bucket', type: 'string', jsonPath: '.spec.bucket' },
    ...READY_COLUMNS,
  ],
});

export type StorageConfigSpec = z.infer<typeof spec>;
export type StorageConfigStatus = z.infer<typeof status>;
