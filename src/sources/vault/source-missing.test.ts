import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ok,
  policyDenial,
  refused,
  secret,
  startFake,
  type FakeVault,
} from '../../../test/support/vault-fake.ts';
import { asker, target, type Asker, type TargetOptions } from '../../../test/support/vault-lab.ts';
import type { VaultTarget } from './target.ts';

type Reply = Parameters<FakeVault['on']>[1];

let fake: FakeVault;
let asking: Asker;

beforeEach(async () => {
  fake = await startFake();
  asking = asker();
  fake.on('sys/internal/ui/mounts', mount('kv', '2'));
});
afterEach(async () => {
  await asking.close();
  await fake.close();
});

function at(changes: Partial<TargetOptions> = {}): VaultTarget {
  return target({ host: fake.address, appRole: { roleId: 'role-1', secretId: 'planted' }, ...changes });
}

const mount = (type: string, version?: string, path = 'secret/') =>
  ok({ data: { type, path, options: version === undefined ? null : { version } } });
const envelope = (metadata: object, status = 404): Reply => ({
  status,
  body: { data: { data: null, metadata: { created_time: '', version: 3, ...metadata } } },
});
const deleted = envelope({ deletion_time: '2026-01-01T00:00:00Z', destroyed: false });
const destroyed = envelope({ deletion_time: '', destroyed: true });

interface Row {
  /** What the path answers: without a version, and with `?version=2`. */
  readonly latest: Reply;
  readonly version2?: Reply;
  readonly mount?: Reply;
  readonly reason: string;
  readonly says: string;
}

describe('a secret that cannot be read in its latest version', () => {
  const rows: Record<string, Row> = {
    'is missing': { latest: refused(404), reason: 'PathNotFound', says: 'there is no secret at this path' },
    'is deleted': {
      latest: deleted,
      reason: 'SourceDeleted',
      says: 'the latest version of the secret is deleted: undelete it, or write a new version',
    },
    'is destroyed': {
      latest: destroyed,
      reason: 'SourceDestroyed',
      says: 'the latest version of the secret is destroyed: write a new version',
    },
    'is in no mount': {
      latest: refused(404, 'no handler for route "secret/data/app"'),
      reason: 'PathNotFound',
      says: 'no secrets engine is mounted at "secret"',
    },
    'is in a mount of version 1': {
      latest: refused(404),
      mount: mount('kv', '1'),
      reason: 'NotKVv2',
      says: '"secret" is a KV version 1 engine, which has no versions (to change it: vault kv enable-versioning secret)',
    },
    'is in a mount of version 1 that has it under that name': {
      latest: ok({ data: { password: 'planted' }, lease_duration: 2_764_800 }),
      mount: mount('kv', '1'),
      reason: 'NotKVv2',
      says: '"secret" is a KV version 1 engine',
    },
    'is in a mount of another type': {
      latest: ok({ data: { certificate: 'planted' } }),
      mount: mount('pki'),
      reason: 'NotKVv2',
      says: '"secret" is a secrets engine of type "pki", not KV',
    },
    'is in another mount than the path looks like': {
      latest: {
        status: 404,
        body: { data: null, warnings: ['Invalid path for a versioned K/V secrets engine'] },
      },
      mount: mount('kv', '2', 'secret/data/'),
      reason: 'NotKVv2',
      says: '"secret/data" is a KV version 2 engine, but what follows it is not data/<path>',
    },
    'is in a mount that Vault does not tell of': {
      latest: ok({ data: { password: 'planted' } }),
      mount: policyDenial,
      reason: 'NotKVv2',
      says: '"secret" is not the mount of a KV version 2 engine: use the API path <mount>/data/<path>',
    },
  };
  it.each(Object.entries(rows))('%s', async (_, row) => {
    fake.on('/v1/secret/data/app', row.latest);
    if (row.mount) fake.on('sys/internal/ui/mounts', row.mount);
    const answer = await asking.once(at());
    expect(answer).toMatchObject({ reason: row.reason, message: expect.stringContaining(row.says) });
    expect(JSON.stringify(answer)).not.toContain('planted');
  });
});

describe('a secret that is asked for in a version', () => {
  const rows: Record<string, Row> = {
    'does not have it': {
      latest: secret({ a: 'planted' }, 1),
      version2: refused(404),
      reason: 'VersionNotFound',
      says: 'the secret has no version 2, or has it no longer: correct secret.version',
    },
    'does not have it, and its latest one is deleted': {
      latest: deleted,
      version2: refused(404),
      reason: 'VersionNotFound',
      says: 'the secret has no version 2',
    },
    'is missing': {
      latest: refused(404),
      version2: refused(404),
      reason: 'PathNotFound',
      says: 'there is no secret at this path',
    },
    'is in a mount of version 1': {
      latest: refused(404),
      version2: refused(404),
      mount: mount('kv', '1'),
      reason: 'NotKVv2',
      says: 'is a KV version 1 engine',
    },
    'has it deleted': {
      latest: secret({ a: 'planted' }, 3),
      version2: deleted,
      reason: 'SourceDeleted',
      says: 'version 2 of the secret is deleted: undelete it, or use another version',
    },
    'has it destroyed': {
      latest: secret({ a: 'planted' }, 3),
      version2: destroyed,
      reason: 'SourceDestroyed',
      says: 'version 2 of the secret is destroyed: use another version',
    },
  };
  it.each(Object.entries(rows))('%s', async (_, row) => {
    fake.on('/v1/secret/data/app', row.latest);
    fake.on('/v1/secret/data/app?version=2', row.version2 ?? row.latest);
    if (row.mount) fake.on('sys/internal/ui/mounts', row.mount);
    const answer = await asking.once(at({ place: { version: 2 } }));
    expect(answer).toMatchObject({ reason: row.reason, message: expect.stringContaining(row.says) });
    expect(JSON.stringify(answer)).not.toContain('planted');
  });

  it('gives that one', async () => {
    fake.on('/v1/secret/data/app', secret({ a: 'new' }, 3));
    fake.on('/v1/secret/data/app?version=2', secret({ a: 'old' }, 2));
    expect(await asking.once(at({ place: { version: 2 } }))).toMatchObject({
      fields: new Map([['a', 'old']]),
      version: 2,
      location: `${fake.address}/v1/secret/data/app?version=2`,
    });
  });
});

describe('a secret that is asked for below the path of the integration', () => {
  it('is read there', async () => {
    fake.on('/v1/secret/data/app/db%20main', secret({ a: 'b' }));
    expect(await asking.once(at({ place: { path: 'db main' } }))).toMatchObject({
      fields: new Map([['a', 'b']]),
      location: `${fake.address}/v1/secret/data/app/db%20main`,
    });
  });

  it('is named in the message when it is missing', async () => {
    fake.on('/v1/secret/data/', refused(404));
    expect(await asking.once(at({ place: { path: 'db' } }))).toMatchObject({
      reason: 'PathNotFound',
      message: expect.stringContaining('/v1/secret/data/app/db answered HTTP 404'),
    });
  });
});
