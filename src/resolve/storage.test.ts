import { describe, expect, it } from 'vitest';
import { propertyKind } from '../api/spark-property.ts';
import type { StorageConfigSpec } from '../api/storage-config.ts';
import { RESERVED_VARIABLES, VARIABLE_NAME } from '../api/variable-name.ts';
import { placeKey, placeOf } from './place.ts';
import { resolve } from './resolve.ts';
import { storageEntries, storageFields, storageState } from './storage.ts';
import { collectWanted, placesOf } from './wanted.ts';

const plain = { accessKey: 'AKIA', secretKey: 's3cr3t' };
const s3: StorageConfigSpec = { type: 's3', bucket: 'lake', region: 'eu-central-1', ...plain };
const minio: StorageConfigSpec = { type: 'minio', bucket: 'raw', endpoint: 'http://minio:9000', ...plain };
const gcs: StorageConfigSpec = { type: 'gcs', bucket: 'exports', ...plain };
const azure: StorageConfigSpec = { type: 'azure', accessKey: 'mylake', secretKey: 'a2V5' };

/** Everything that a pod gets of one storage, whose keys stand in it. */
function given(spec: StorageConfigSpec) {
  const wanted = collectWanted([], [], [{ name: 'lake', spec }]);
  const states = new Map(
    placesOf(wanted).map((place) => [placeKey(place), storageState({ name: 'lake', spec })]),
  );
  const { problems, data, properties } = resolve(wanted, states);
  const text = (map: ReadonlyMap<string, Buffer>) =>
    Object.fromEntries([...map].map(([name, value]) => [name, value.toString()]));
  return { problems, variables: text(data), properties: text(properties) };
}

const s3a = (bucket: string, of: Record<string, string>) =>
  Object.fromEntries(
    Object.entries({
      'access.key': 'AKIA',
      'secret.key': 's3cr3t',
      'aws.credentials.provider': 'org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider',
      ...of,
    }).map(([name, value]) => [`spark.hadoop.fs.s3a.bucket.${bucket}.${name}`, value]),
  );
const aws = (region: string, more: Record<string, string> = {}) => ({
  AWS_ACCESS_KEY_ID: 'AKIA',
  AWS_SECRET_ACCESS_KEY: 's3cr3t',
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  ...more,
});

describe('a pod gets of a storage', () => {
  it.each<[string, StorageConfigSpec, Record<string, string>, Record<string, string>]>([
    [
      'at Amazon the endpoint of its region for the bucket, and none for SDKs, which know it',
      s3,
      aws('eu-central-1'),
      s3a('lake', {
        endpoint: 'https://s3.eu-central-1.amazonaws.com',
        'endpoint.region': 'eu-central-1',
        'path.style.access': 'false',
      }),
    ],
    [
      'in China the endpoint of that partition',
      { ...s3, region: 'cn-north-1' },
      aws('cn-north-1'),
      s3a('lake', {
        endpoint: 'https://s3.cn-north-1.amazonaws.com.cn',
        'endpoint.region': 'cn-north-1',
        'path.style.access': 'false',
      }),
    ],
    [
      'of MinIO its endpoint, a region, for none is no signature, and the bucket in the path',
      minio,
      aws('us-east-1', { AWS_ENDPOINT_URL_S3: 'http://minio:9000' }),
      s3a('raw', {
        endpoint: 'http://minio:9000',
        'endpoint.region': 'us-east-1',
        'path.style.access': 'true',
      }),
    ],
    [
      'another path style if it says so',
      { ...minio, pathStyle: false, region: 'dc1' },
      aws('dc1', { AWS_ENDPOINT_URL_S3: 'http://minio:9000' }),
      s3a('raw', { endpoint: 'http://minio:9000', 'endpoint.region': 'dc1', 'path.style.access': 'false' }),
    ],
    [
      'at Google its XML API, without what that cannot do',
      gcs,
      aws('auto', { AWS_ENDPOINT_URL_S3: 'https://storage.googleapis.com' }),
      s3a('exports', {
        endpoint: 'https://storage.googleapis.com',
        'endpoint.region': 'auto',
        'path.style.access': 'true',
        'multiobjectdelete.enable': 'false',
        'list.version': '1',
      }),
    ],
    [
      'of Azure account and key, by the names that its tools and SDKs read',
      azure,
      {
        AZURE_STORAGE_ACCOUNT: 'mylake',
        AZURE_STORAGE_KEY: 'a2V5',
        AZURE_STORAGE_ACCOUNT_NAME: 'mylake',
        AZURE_STORAGE_ACCOUNT_KEY: 'a2V5',
      },
      { 'spark.hadoop.fs.azure.account.key.mylake.dfs.core.windows.net': 'a2V5' },
    ],
  ])('%s', (_, spec, variables, properties) => {
    expect(given(spec)).toEqual({ problems: [], variables, properties });
  });

  it.each([
    ['https://mylake.dfs.core.chinacloudapi.cn', 'mylake.dfs.core.chinacloudapi.cn'],
    ['https://mylake.blob.core.windows.net', 'mylake.dfs.core.windows.net'],
  ])('of Azure at %s the key of that account', (endpoint, host) => {
    const { variables, properties } = given({ type: 'azure', endpoint, secretKey: 'a2V5' });
    expect(variables).toMatchObject({ AZURE_STORAGE_ACCOUNT: 'mylake' });
    expect(properties).toEqual({ [`spark.hadoop.fs.azure.account.key.${host}`]: 'a2V5' });
  });

  it.each([s3, minio, gcs, azure])('names only that a secret may have: $type', (spec) => {
    const { variables, properties } = storageEntries({ name: 'lake', spec });
    for (const { name } of variables) {
      expect(name).toMatch(new RegExp(VARIABLE_NAME));
      expect(name).not.toMatch(new RegExp(RESERVED_VARIABLES));
    }
    // Hadoop alone reads them, so that SparkConf holds the names of variables and no value.
    for (const { name } of properties) expect(propertyKind(name)).toBe('hadoop');
  });
});

describe('where the keys come from', () => {
  const at = (id: string) => ({ key: 'k', source: { type: 'VAULT' as const, id } });
  const places = (spec: StorageConfigSpec) => {
    const { variables, properties } = storageEntries({ name: 'lake', spec });
    const of = (end: RegExp) =>
      new Set(
        [...variables, ...properties]
          .filter(({ name }) => end.test(name))
          .map(({ secret }) => placeKey(placeOf(secret))),
      );
    return [
      [...of(/ACCESS_KEY_ID$|access[.]key$/)],
      [...of(/SECRET_ACCESS_KEY$|STORAGE_KEY$|secret[.]key$/)],
    ];
  };

  it.each<[string, StorageConfigSpec, string, string]>([
    ['is the storage itself', s3, 'STORAGE/lake', 'STORAGE/lake'],
    [
      'is the secret object, which wins over plain text',
      { ...s3, accessKeySecret: at('a'), storageSecret: at('b') },
      'VAULT/a',
      'VAULT/b',
    ],
    ['may be different for the two', { ...s3, storageSecret: at('b') }, 'STORAGE/lake', 'VAULT/b'],
  ])('%s', (_, spec, access, secret) => {
    expect(places(spec)).toEqual([[access], [secret]]);
  });

  it('is said by name if the key is nowhere, as of an object that is older than the rules', () => {
    const { problems, variables } = given({ type: 's3', bucket: 'lake', region: 'r', accessKey: 'AKIA' });
    expect(problems[0]).toMatchObject({
      reason: 'KeyNotFound',
      entry: 'AWS_SECRET_ACCESS_KEY',
      message: 'StorageConfig lake has no such key',
    });
    expect(variables).not.toHaveProperty('AWS_SECRET_ACCESS_KEY');
  });

  it('holds the pod if Hadoop would alter the key', () => {
    const { problems } = given({ ...s3, secretKey: 'a${env.HOME}' });
    expect(problems.map(({ reason, entry }) => [reason, entry])).toEqual([
      ['NotAConfigurationValue', 'spark.hadoop.fs.s3a.bucket.lake.secret.key'],
    ]);
  });
});

it('an account that is only in the endpoint is found there', () => {
  const fields = storageFields({ type: 'azure', endpoint: 'https://acc.dfs.core.windows.net' });
  expect(Object.fromEntries(fields)).toEqual({ account: 'acc' });
});
