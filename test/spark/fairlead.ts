import { createHash, randomBytes } from 'node:crypto';
import type { S3 } from '../../hack/spark/s3.ts';
import { platform, type Platform } from '../support/platform.ts';
import { plant, type Planted } from '../support/planted.ts';
import { bench, type Bench } from './bench.ts';

/** Quotes, spaces, backslashes, `$`, `%`: what shells, launchers, Hadoop and the kubelet take for something else. */
const odd = (core: string): string => `o'd"d ${core} \\ \\" $HOME $(X) $$ %s %2F = , ; # é`;
export const PLAIN_ODD = 'spark.fairlead.odd.token';
const VISIBLE = [
  'pods',
  'configmaps',
  'services',
  'deployments',
  'events',
  'secretreferences',
  'vaultintegrations',
];
const PROPERTY = 'spark.hadoop.fs.s3a';

/** Fairlead beside the bench, and secrets in all kinds of places for real jobs to read. */
export interface SparkLab {
  readonly b: Bench;
  readonly p: Platform;
  readonly domain: string;
  readonly s3: S3;
  /** Of its values: none may be seen anywhere. The last password is the one in OpenBao. */
  readonly passwords: readonly Planted[];
  readonly hadoopOdd: Planted;
  readonly plainOdd: Planted;
  readonly planted: () => Planted[];
  /** A namespace of the domain, with the SecretReferences `warehouse` and `odd`. */
  namespace(labels?: Record<string, string>): Promise<string>;
  /** A new DB_PASSWORD in OpenBao. */
  rotate(): Promise<void>;
  /** All that anybody can read in the cluster but Secrets, and Fairlead's log. */
  visible(): Promise<Record<string, string>>;
  readonly salt: string;
  hash(planted: Planted | undefined): string;
  stop(): Promise<void>;
}

export async function sparkLab(name: string, flags: readonly string[] = []): Promise<SparkLab> {
  const p = await platform(name, { flags });
  const b = await bench(name);
  const salt = randomBytes(8).toString('hex');
  const passwords: Planted[] = [];
  const [accessKey, secretKey] = [plant(), plant((core) => `s3 ${odd(core)}`.replace(' é', ''))];
  const [hadoopOdd, plainOdd] = [plant(odd), plant(odd)];
  const s3 = await b.s3({ accessKey: accessKey.value, secretKey: secretKey.value });
  s3.bucket('lake');
  // Spark wants the folder for event logs to be there, and in S3 a folder is what has something in it.
  s3.write('lake', 'events/.keep', '');
  const path = `secret/data/${name}`;
  const write = async () => {
    const next = plant((core) => `${core} & "more"`);
    await p.vault.put(path, { db_password: next.value, s3_secret: secretKey.value });
    passwords.push(next);
  };
  await write();
  await p.integration(name, undefined, { domains: [name], path });
  await p.store(name, {
    s3_access: accessKey.value,
    hadoop_odd: hadoopOdd.value,
    plain_odd: plainOdd.value,
  });
  const [inVault, inStore] = [
    { type: 'VAULT', id: name },
    { type: 'KUBERNETES', id: name },
  ];
  const of = (entry: string, key: string, source: object) => ({ name: entry, secret: { key, source } });
  const references = (namespace: string): object[] => [
    secretReference('warehouse', namespace, {
      env: [of('DB_PASSWORD', 'db_password', inVault)],
      sparkConf: [
        of(`${PROPERTY}.access.key`, 's3_access', inStore),
        of(`${PROPERTY}.secret.key`, 's3_secret', inVault),
        of('spark.hadoop.fairlead.odd', 'hadoop_odd', inStore),
      ],
    }),
    secretReference('odd', namespace, { sparkConf: [of(PLAIN_ODD, 'plain_odd', inStore)] }),
  ];
  return {
    ...{ b, p, domain: name, s3, passwords, hadoopOdd, plainOdd, salt },
    planted: () => [...passwords, accessKey, secretKey, hadoopOdd],
    namespace: async (labels = {}) => {
      const namespace = await b.namespace({ 'fairlead.dev/domain': name, ...labels });
      await p.k.apply(...references(namespace));
      return namespace;
    },
    rotate: write,
    visible: async () => {
      const read = async (kind: string) => p.k.run('get', kind, '-A', '-o', 'json', '--show-managed-fields');
      const texts = await Promise.all(VISIBLE.map(async (kind) => [kind, await read(kind)] as const));
      return Object.fromEntries([...texts, ['the log of Fairlead', await p.logs()]]);
    },
    hash: (planted) => sha256(salt + (planted?.value ?? '')),
    stop: async () => {
      await b.stop();
      await p.stop();
    },
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function secretReference(name: string, namespace: string, spec: object): object {
  const apiVersion = 'fairlead.dev/v1alpha1';
  return { apiVersion, kind: 'SecretReference', metadata: { name, namespace }, spec };
}
