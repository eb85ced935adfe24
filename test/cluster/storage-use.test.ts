import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kube, until, type Kube, type KubeJson } from '../support/cluster.ts';
import { platform, type Platform } from '../support/platform.ts';
import { bind, grant, named, revoke } from '../support/rbac.ts';
import { storage } from '../support/storage.ts';

/** A real user at a real API server: who may write a storage that names an integration, or sends its keys elsewhere. */
const USER = 'storage-writer';
const [LAKE, RAW] = ['storage-use-lake', 'storage-use-raw'];

let p: Platform;
let namespace: string;
let writer: Kube;
beforeAll(async () => {
  p = await platform('storage-use');
  namespace = await p.namespace('storage-use');
  writer = kube(p.cluster, `--as=${USER}`);
  await bind(p.k, 'fairlead-domain-user', { kind: 'User', name: USER }, namespace);
  await until('the role to count', async () => writer.list('storageconfigs', namespace).then(() => true));
});
afterAll(async () => {
  if (p) await revoke(p.k, 'storage-use');
  await p?.stop();
});

const mayUse = async (...ids: string[]) => {
  await revoke(p.k, 'storage-use');
  const user = { kind: 'User', name: USER } as const;
  if (ids.length > 0)
    await grant(
      p.k,
      'storage-use',
      user,
      ids.map((id) => named('vaultintegrations', id, 'use')),
    );
  for (const id of [LAKE, RAW]) {
    await until(`the right to use ${id}`, async () => {
      const args = ['auth', 'can-i', 'use', `vaultintegrations.fairlead.dev/${id}`, '-n', 'fairlead-system'];
      const answer = await writer.run(...args).then(
        () => true,
        () => false,
      );
      return answer === ids.includes(id);
    });
  }
};
const needs = (id: string) =>
  `needs the permission to use vaultintegrations.fairlead.dev/${id} in namespace fairlead-system`;
const vault = (access: string, secret: string) => ({
  access: `VAULT/${access}/a`,
  secret: `VAULT/${secret}/s`,
});
const CREATE = ['create', '--dry-run=server', '-f', '-'];
const patch = (spec: object) => [
  ...['patch', 'storageconfig', 'lake', '-n', namespace, '--dry-run=server', '--type=merge', '-p'],
  JSON.stringify({ spec }),
];

describe('who writes a storage', () => {
  it('is seen by the policy just as it is: no expression has a mistake', async () => {
    for (const name of ['fairlead-storage-use', 'fairlead-storage-plain-text']) {
      const { status }: KubeJson = await until('the policy to be checked', async () => {
        const policy: KubeJson = await p.k.get('validatingadmissionpolicy', '', name);
        return policy?.status?.typeChecking && policy;
      });
      expect(status.typeChecking.expressionWarnings).toBeUndefined();
    }
  });

  it('needs use on each integration that it names', async () => {
    await mayUse(LAKE);
    await writer.both(CREATE, storage('lake', namespace, vault(LAKE, LAKE)));
    expect(await writer.refused(CREATE, storage('lake', namespace, vault(LAKE, RAW)))).toContain(needs(RAW));
    expect(await writer.refused(CREATE, storage('lake', namespace, vault(RAW, LAKE)))).toContain(needs(RAW));
    await mayUse(LAKE, RAW);
    await writer.both(CREATE, storage('lake', namespace, vault(LAKE, RAW)));
  });

  it('needs none for stores, which are its own domain or global', async () => {
    await mayUse();
    await writer.both(
      CREATE,
      storage('lake', namespace, { access: 'KUBERNETES/global/a', secret: 'KUBERNETES/storage-use/s' }),
    );
    const foreign = storage('lake', namespace, {
      access: 'KUBERNETES/global/a',
      secret: 'KUBERNETES/finance/s',
    });
    expect(await writer.refused(CREATE, foreign)).toContain(
      'the store of finance is not open to this namespace',
    );
  });

  it('cannot send the keys of an integration elsewhere without use on it', async () => {
    await mayUse();
    await p.k.apply(storage('lake', namespace, vault(LAKE, LAKE)));
    for (const change of [
      { endpoint: 'https://elsewhere.example.com' },
      { bucket: 'elsewhere' },
      { type: 's3', region: 'eu-central-1', endpoint: null },
      { storageSecret: { version: 2 } },
      { accessKeySecret: null, accessKey: 'AKIA' },
    ])
      expect(await writer.refused(patch(change)), JSON.stringify(change)).toContain(needs(LAKE));
    await mayUse(LAKE);
    await writer.run(...patch({ endpoint: 'https://elsewhere.example.com' }));
  });

  it('may label it, and delete it, without', async () => {
    await mayUse();
    await writer.run('label', 'storageconfig', 'lake', '-n', namespace, 'a=b');
    await writer.run('delete', 'storageconfig', 'lake', '-n', namespace);
  });
});

describe('a storage that is refused', () => {
  it.each(['accessKey', 'secretKey'])('does not quote its %s, which may be a key', async (field) => {
    const plain = { accessKey: 'AKIA', secretKey: 'x', [field]: 'pl4nt\tpl4nt' };
    const refused = await p.k.refused(['apply', '-f', '-'], storage('quoted', namespace, {}, plain));
    expect(refused).toContain(`${field} must not contain control characters`);
    expect(refused).not.toContain('pl4nt');
  });
});
