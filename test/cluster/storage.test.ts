import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kube, until, type KubeJson } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { driver, driverConfigMap, secretKeyRefs } from '../support/spark.ts';
import { storage } from '../support/storage.ts';
import { confVariable } from '../../src/deliver/spark.ts';

const VALUES = { access: 'v4lue-id', secret: 'v4lue/+ "key"', azure: 'djRsdWUtYXp1cmU=' };
const KEYS = { access: 'KUBERNETES/storage/access', secret: 'KUBERNETES/storage/secret' };
const VAULT = { access: 'v4lue-vault-id', secret: 'v4lue-vault-key' };

let p: Platform;
let namespace: string;
beforeAll(async () => {
  p = await platform('storage');
  namespace = await p.namespace('storage');
  await p.store('storage', VALUES);
  await p.integration('storage-vault', VAULT, { domains: ['storage'] });
});
afterAll(async () => p?.stop());

const pod = async (name: string, storages: string, references = '') =>
  p.pod(namespace, name, references, {
    metadata: {
      annotations: {
        'fairlead.dev/storage': storages,
        ...(references && { 'fairlead.dev/secret-references': references }),
      },
    },
  });
const delivered = async (name: string) => {
  await p.released(namespace, name);
  return p.delivered(namespace, name);
};

/** What Hadoop finds under each property, in a JVM that has the options and the variables of the delivery. */
function properties(data: Readonly<Record<string, string>>): Record<string, string | undefined> {
  const options = [
    ...(data['SPARK_SUBMIT_OPTS'] ?? '').matchAll(/-D(spark[.]hadoop[.]\S+?)=[$][{]env[.](\w+)[}]/g),
  ];
  return Object.fromEntries(options.map(([, property = '', variable = '']) => [property, data[variable]]));
}
const s3a = (bucket: string, of: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(of).map(([name, value]) => [`spark.hadoop.fs.s3a.bucket.${bucket}.${name}`, value]),
  );
const provider = 'org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider';

describe('a pod that names a storage', () => {
  it('gets the variables of its SDKs and the properties of its bucket, and nothing in its spec', async () => {
    await p.k.apply(storage('lake', namespace, KEYS));
    await pod('job', 'lake');
    const data = await delivered('job');
    expect(data).toMatchObject({
      AWS_ACCESS_KEY_ID: VALUES.access,
      AWS_SECRET_ACCESS_KEY: VALUES.secret,
      AWS_ENDPOINT_URL_S3: 'http://minio:9000',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    });
    expect(properties(data)).toEqual(
      s3a('lake', {
        ...{ 'access.key': VALUES.access, 'secret.key': VALUES.secret, 'aws.credentials.provider': provider },
        ...{ endpoint: 'http://minio:9000', 'endpoint.region': 'us-east-1', 'path.style.access': 'true' },
      }),
    );
    expect(data['SPARK_SUBMIT_OPTS']).not.toContain('v4lue');
    expect(JSON.stringify((await p.getPod(namespace, 'job')).spec)).not.toContain('AWS_');
  });

  it('waits while the storage, or a key of it, is missing, and goes on by itself', async () => {
    await pod('waits', 'later');
    const first = await p.waits(namespace, 'waits', 'StorageConfigNotFound');
    expect(first.message).toBe('StorageConfig later does not exist in this namespace');
    await p.k.apply(storage('later', namespace, { ...KEYS, secret: 'VAULT/storage-vault/later' }));
    const { message } = await p.waits(namespace, 'waits', 'KeyNotFound');
    expect(message).toContain('AWS_SECRET_ACCESS_KEY from VAULT/storage-vault key later');
    await p.vault.put('secret/data/storage-vault', { ...VAULT, later: 'v4lue-later' });
    await p.released(namespace, 'waits', 70_000);
    expect(await p.delivered(namespace, 'waits')).toMatchObject({ AWS_SECRET_ACCESS_KEY: 'v4lue-later' });
  }, 100_000);

  it('may name references, too; one variable from two places is a conflict', async () => {
    await p.k.apply(
      storage('both', namespace, KEYS),
      reference('db', namespace, { DB_PASSWORD: 'KUBERNETES/storage/secret' }),
      reference('same', namespace, { AWS_SECRET_ACCESS_KEY: 'KUBERNETES/storage/secret' }),
      reference('other', namespace, { AWS_SECRET_ACCESS_KEY: 'KUBERNETES/storage/access' }),
    );
    await pod('beside', 'both', 'db,same');
    expect(await delivered('beside')).toMatchObject({
      DB_PASSWORD: VALUES.secret,
      AWS_SECRET_ACCESS_KEY: VALUES.secret,
    });
    await pod('conflict', 'both', 'other');
    const { message } = await p.waits(namespace, 'conflict', 'NameConflict');
    expect(message).toContain('is defined in SecretReference other and StorageConfig both');
  });

  it('gets several of them side by side: variables of the first, properties of each bucket', async () => {
    await p.k.apply(
      storage('first', namespace, KEYS),
      storage(
        'second',
        namespace,
        { access: 'VAULT/storage-vault/access', secret: 'VAULT/storage-vault/secret' },
        {
          ...{ type: 's3', endpoint: undefined, region: 'eu-central-1' },
        },
      ),
      storage('exports', namespace, KEYS, { type: 'gcs', endpoint: undefined }),
      storage(
        'files',
        namespace,
        { secret: 'KUBERNETES/storage/azure' },
        {
          ...{ type: 'azure', endpoint: undefined, bucket: undefined, accessKey: 'mylake' },
        },
      ),
    );
    await pod('several', 'first,second,exports,files');
    const data = await delivered('several');
    expect(data).toMatchObject({
      AWS_ACCESS_KEY_ID: VALUES.access,
      AWS_ENDPOINT_URL_S3: 'http://minio:9000',
      AZURE_STORAGE_ACCOUNT: 'mylake',
      AZURE_STORAGE_KEY: VALUES.azure,
    });
    expect(properties(data)).toMatchObject({
      ...s3a('first', { 'access.key': VALUES.access, endpoint: 'http://minio:9000' }),
      ...s3a('second', {
        ...{ 'access.key': VAULT.access, 'secret.key': VAULT.secret },
        ...{ endpoint: 'https://s3.eu-central-1.amazonaws.com', 'endpoint.region': 'eu-central-1' },
        'path.style.access': 'false',
      }),
      ...s3a('exports', {
        ...{ 'secret.key': VALUES.secret, endpoint: 'https://storage.googleapis.com' },
        'multiobjectdelete.enable': 'false',
      }),
      'spark.hadoop.fs.azure.account.key.mylake.dfs.core.windows.net': VALUES.azure,
    });
  });

  it('cannot have two for one bucket', async () => {
    await p.k.apply(storage('twin', namespace, KEYS, { bucket: 'first' }));
    await pod('twins', 'first,twin');
    const { message } = await p.waits(namespace, 'twins', 'NameConflict');
    expect(message).toContain('is defined in StorageConfigs first and twin');
  });

  it.each([
    ['an empty annotation', ' ', 'the annotation fairlead.dev/storage is empty'],
    ['a name that is none', 'Lake', `a StorageConfig's name has lower case letters`],
    ['seventeen', Array.from({ length: 17 }, (_, i) => `s${i}`).join(), 'at most 16 are allowed'],
  ])('is refused with %s', async (_, value, message) => {
    await expect(pod('refused', value)).rejects.toMatchObject({ stderr: expect.stringContaining(message) });
  });
});

it('a Spark driver hands all of it on to its executors', async () => {
  await p.k.apply(storage('spark', namespace, KEYS));
  const made = driver('job', namespace, { image: p.cluster.image }) as KubeJson;
  made.metadata.annotations = { 'fairlead.dev/storage': 'spark' };
  await p.k.apply(made);
  const { metadata } = await p.getPod(namespace, 'job-driver');
  await p.k.apply(driverConfigMap('job', namespace, metadata.uid, 'spark.app.name=x\n'));
  const data = await delivered('job-driver');
  const handedOn = secretKeyRefs(data['SPARK_SUBMIT_OPTS'] ?? '').map((one) => (one as KubeJson).name);
  expect(handedOn).toContain('AWS_SECRET_ACCESS_KEY');
  expect(handedOn).toContain(confVariable('spark.hadoop.fs.s3a.bucket.spark.secret.key'));
});

describe('keys in plain text', () => {
  const plain = { accessKey: 'pl4nt-id', secretKey: 'pl4nt-key' };
  const put = async (object: object) => p.k.both(['apply', '-f', '-'], object);

  it('are warned of by kubectl when they are written', async () => {
    const { stderr } = await put(storage('plain', namespace, {}, plain));
    expect(stderr).toContain('spec.secretKey is deprecated, it holds the key in plain text');
    expect(stderr).toContain('spec.accessKey is deprecated');
    expect(stderr).not.toContain('pl4nt');
  });

  it('are not warned of where there are none', async () => {
    const azure = { type: 'azure', accessKey: 'mylake', endpoint: undefined };
    expect((await put(storage('quiet', namespace, KEYS))).stderr).toBe('');
    expect((await put(storage('quiet-azure', namespace, { secret: KEYS.secret }, azure))).stderr).toBe('');
  });

  it('are in the delivery, and nowhere but there and where they were written', async () => {
    await pod('plain', 'plain');
    const data = await delivered('plain');
    expect(data).toMatchObject({ AWS_ACCESS_KEY_ID: 'pl4nt-id', AWS_SECRET_ACCESS_KEY: 'pl4nt-key' });
    expect(properties(data)).toMatchObject(s3a('plain', { 'secret.key': 'pl4nt-key' }));
    // One that is no configuration value, so that messages have to tell of it.
    await put(storage('unfit', namespace, {}, { ...plain, secretKey: 'pl4nt-${env.HOME}' }));
    await pod('unfit', 'unfit');
    await p.waits(namespace, 'unfit', 'NotAConfigurationValue');
    const status = await until('the status', async () => {
      const found: KubeJson = await p.k.get('storageconfig', namespace, 'plain');
      return found.status;
    });
    const visible: Record<string, string> = { logs: await p.logs(), status: JSON.stringify(status) };
    for (const kind of ['pods', 'events', 'events.events.k8s.io', 'configmaps'])
      visible[kind] = await p.k.run('get', kind, '-n', namespace, '-o', 'json', '--show-managed-fields');
    const deliveries = await p.k.list('secrets', namespace);
    visible['metadata of deliveries'] = JSON.stringify(deliveries.map(({ metadata }) => metadata));
    for (const [where, text] of Object.entries(visible)) {
      expect(text.length, where).toBeGreaterThan(10);
      expect(text, where).not.toContain('pl4nt');
      expect(text, where).not.toContain(Buffer.from('pl4nt-key').toString('base64'));
    }
    expect(await p.k.run('get', 'storageconfigs', '-n', namespace, '-o', 'wide')).not.toContain('pl4nt');
  });

  it('lose against secret objects, while both are set, and kubectl says so', async () => {
    const { stderr } = await put(storage('both-set', namespace, KEYS, plain));
    expect(stderr).toContain(
      'spec.secretKey is not used, since spec.storageSecret takes precedence; remove it',
    );
    expect(stderr).toContain('spec.accessKey is not used');
    await pod('both-set', 'both-set');
    const data = await delivered('both-set');
    expect(data).toMatchObject({
      AWS_ACCESS_KEY_ID: VALUES.access,
      AWS_SECRET_ACCESS_KEY: VALUES.secret,
    });
    expect(JSON.stringify(data)).not.toContain('pl4nt');
  });
});

describe('the status of a storage', () => {
  const ready = async (name: string, reason: string) =>
    until(`${name} to have ${reason}`, async () => {
      const { status, metadata }: KubeJson = await p.k.get('storageconfig', namespace, name);
      const [condition] = status?.conditions ?? [];
      if (condition?.reason === reason) return { status, metadata, condition };
      throw new Error(JSON.stringify(status ?? 'no status'));
    });

  it('says where each value comes from, and that all is there', async () => {
    await p.k.apply(storage('good', namespace, { ...KEYS, secret: 'VAULT/storage-vault/secret' }));
    const { status, metadata, condition } = await ready('good', 'Resolved');
    expect(condition).toMatchObject({
      type: 'Ready',
      status: 'True',
      observedGeneration: metadata.generation,
    });
    expect(status.observedGeneration).toBe(metadata.generation);
    expect(status.entries).toContainEqual({
      ...{ name: 'AWS_ACCESS_KEY_ID', type: 'KUBERNETES', id: 'storage', state: 'Resolved' },
    });
    expect(status.entries).toContainEqual({
      name: 'spark.hadoop.fs.s3a.bucket.good.secret.key',
      ...{ type: 'VAULT', id: 'storage-vault', state: 'Resolved', version: expect.any(Number) },
    });
    expect(status.entries).toContainEqual({
      ...{ name: 'AWS_REGION', type: 'STORAGE', id: 'good', state: 'Resolved' },
    });
    const table = await p.k.run('get', 'stc', 'good', '-n', namespace);
    expect(table).toMatch(/NAME +TYPE +ENDPOINT +BUCKET +READY +REASON +AGE\n/);
    expect(table).toMatch(/good +minio +http:\/\/minio:9000 +good +True +Resolved/);
  });

  it('says what is wrong, and that it is well again when it is', async () => {
    await p.k.apply(storage('bad', namespace, { ...KEYS, secret: 'KUBERNETES/storage/nope' }));
    const { condition } = await ready('bad', 'KeyNotFound');
    expect(condition).toMatchObject({ status: 'False' });
    expect(condition.message).toContain('AWS_SECRET_ACCESS_KEY from KUBERNETES/storage key nope');
    await p.store('storage', { ...VALUES, nope: 'v4lue' });
    await ready('bad', 'Resolved');
  });

  it('cannot be got with a source of another domain, or without a domain', async () => {
    const foreign = await p.namespace('elsewhere');
    await p.k.apply(
      storage('taken', foreign, {
        access: 'VAULT/storage-vault/access',
        secret: 'VAULT/storage-vault/secret',
      }),
    );
    const found = await until('the refusal', async () => {
      const { status }: KubeJson = await p.k.get('storageconfig', foreign, 'taken');
      return status?.conditions?.[0]?.reason === 'DomainForbidden' && status;
    });
    expect(found.entries).toContainEqual({
      ...{ name: 'AWS_ACCESS_KEY_ID', type: 'VAULT', id: 'storage-vault', state: 'DomainForbidden' },
    });
    const homeless = await p.namespace('');
    await p.k.apply(storage('plain', homeless, {}, { accessKey: 'a', secretKey: 'b' }));
    await p.pod(homeless, 'job', '', { metadata: { annotations: { 'fairlead.dev/storage': 'plain' } } });
    await p.waits(homeless, 'job', 'DomainMissing');
  });
});

describe('while a pod with the annotation does not come to the webhook', () => {
  it('it is refused by the policy, and an annotation that is added later, too', async () => {
    const annotate = ['annotate', 'pod', 'job', '-n', namespace, 'fairlead.dev/storage=other', '--overwrite'];
    expect(await p.k.refused(annotate)).toContain('fixed after creation');
    const { metadata, ...rest }: KubeJson = await p.k.get('mutatingwebhookconfiguration', '', 'fairlead');
    await p.k.run('delete', 'mutatingwebhookconfiguration', 'fairlead');
    try {
      const refused = until('the webhook to be gone', async () =>
        pod('ungated', 'lake').then(
          async () => p.k.remove('pod', namespace, 'ungated'),
          ({ stderr }: { stderr: string }) => stderr,
        ),
      );
      expect(await refused).toContain("bears Fairlead's marks but not its gate");
    } finally {
      const { name, labels } = metadata;
      await p.k.apply({ ...rest, metadata: { name, labels } });
    }
  });
});

it('Fairlead may not write a storage, only its status', async () => {
  const controller = kube(p.cluster, '--as=system:serviceaccount:fairlead-system:fairlead-controller');
  const patch = [
    'patch',
    'storageconfig',
    'lake',
    '-n',
    namespace,
    '--type=merge',
    '-p',
    '{"spec":{"region":"x"}}',
  ];
  expect(await controller.refused(patch)).toContain('forbidden');
});
