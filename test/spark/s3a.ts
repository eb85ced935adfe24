import type { S3 } from '../../hack/spark/s3.ts';

const PROPERTY = 'spark.hadoop.fs.s3a';

/** Where the server is and how to speak to it; no keys. */
export function s3aConf(s3: S3): Record<string, string> {
  return {
    [`${PROPERTY}.endpoint`]: s3.endpoint,
    [`${PROPERTY}.endpoint.region`]: 'us-east-1',
    [`${PROPERTY}.path.style.access`]: 'true',
    [`${PROPERTY}.connection.ssl.enabled`]: 'false',
    // A request that is refused is not tried again for minutes.
    [`${PROPERTY}.attempts.maximum`]: '2',
    [`${PROPERTY}.retry.limit`]: '2',
  };
}

/** The keys in plain text, as jobs had them before Fairlead. */
export function s3aKeys({
  accessKey,
  secretKey,
}: Pick<S3, 'accessKey' | 'secretKey'>): Record<string, string> {
  return {
    [`${PROPERTY}.aws.credentials.provider`]: 'org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider',
    [`${PROPERTY}.access.key`]: accessKey,
    [`${PROPERTY}.secret.key`]: secretKey,
  };
}
