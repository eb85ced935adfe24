import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl } from '../../hack/install.ts';
import { credentials, integration } from '../../hack/demo/objects.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';

const directory = new URL('../fixtures/invalid/', import.meta.url);
const samples = readdirSync(directory)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace('.yaml', ''));
const read = (file: string) => readFileSync(new URL(file, directory), 'utf8');

let p: Platform;
beforeAll(async () => {
  p = await platform('invalid');
});
afterAll(async () => p?.stop());

describe('kubectl apply of a broken sample', () => {
  it('there are samples', () => {
    expect(samples.length).toBeGreaterThan(15);
  });

  it.each(samples)('%s is refused with the message beside it', async (sample) => {
    const refused = await kubectl(
      p.cluster,
      ['apply', '--validate=strict', '-f', '-'],
      read(`${sample}.yaml`),
    ).then(
      () => 'accepted',
      (error: unknown) => (error as { stderr: string }).stderr,
    );
    expect(refused).toContain(read(`${sample}.message`).trim());
  });
});

describe('the samples of config/samples', () => {
  it('are all accepted', async () => {
    const path = new URL('../../config/samples/', import.meta.url).pathname;
    await p.k.run('apply', '-f', `${path}01-domain.yaml`, '-f', `${path}02-vault-integration.yaml`);
    // A dry run creates no namespace for the pod in it.
    const labels = { 'fairlead.dev/domain': 'marketing', 'fairlead.dev/legacy-placeholders': 'enabled' };
    await p.k.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'marketing-legacy', labels } });
    const out = await p.k.run('apply', '--dry-run=server', '--validate=strict', '-f', path);
    expect(out).toContain('secretreference.fairlead.dev/warehouse');
    await p.k.run(
      'delete',
      '-f',
      `${path}01-domain.yaml`,
      '-f',
      `${path}02-vault-integration.yaml`,
      '--wait=false',
    );
    await p.k.run('delete', 'namespace', 'marketing-legacy', '--wait=false');
  });
});

describe('a reference at the limits of the kind', () => {
  const name = (i: number) => `v${i}`.padEnd(63, 'x');
  it.each([
    ['256 entries of one integration', 1],
    ['256 entries of 16 integrations with long names', 16],
  ])('is accepted: %s', async (_, integrations) => {
    const namespace = await p.namespace('limits');
    const env = Object.fromEntries(
      Array.from({ length: 256 }, (_, i) => [`V${i}`, `VAULT/${name(i % integrations)}/k` as const]),
    );
    await p.k.apply(reference('large', namespace, env));
    expect((await p.k.get('secretreference', namespace, 'large')).spec.env).toHaveLength(256);
  });

  it('is accepted: 256 entries, 64 Spark properties and 16 imports with all that they can say, and again with all of it changed', async () => {
    const namespace = await p.namespace('limits');
    const long = (i: number, length: number) => `${i}-`.padEnd(length, 'y');
    const large = (version: number) => ({
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'SecretReference',
      metadata: { name: 'full', namespace },
      spec: {
        env: Array.from({ length: 256 }, (_, i) => ({
          name: `V${i}`,
          secret: {
            key: long(i, 253),
            path: long(i, 512),
            version,
            property: long(i, 512),
            source: { type: 'VAULT', id: name(i % 16) },
          },
        })),
        sparkConf: Array.from({ length: 64 }, (_, i) => ({
          name: `spark.${i}.`.padEnd(253, 'x'),
          secret: { key: long(i, 253), version, source: { type: 'VAULT', id: name(i % 16) } },
        })),
        envFrom: Array.from({ length: 16 }, (_, i) => ({
          source: { type: 'VAULT', id: name(i) },
          path: long(i, 512),
          version,
          prefix: `P${i}_`.padEnd(128, 'P'),
          stripPrefix: true,
          expandJson: true,
          names: 'upperSnake',
          optional: false,
          select: {
            prefix: long(i, 253),
            keys: Array.from({ length: 224 }, (_key, n) => long(n, 253)),
            match: Array.from({ length: 16 }, (_key, n) => long(n, 128)),
            exclude: Array.from({ length: 16 }, (_key, n) => long(n, 128)),
          },
        })),
      },
    });
    await p.k.apply(large(1));
    await p.k.apply(large(2));
    expect((await p.k.get('secretreference', namespace, 'full')).spec.envFrom).toHaveLength(16);
  });
});

describe('resourceBundle', () => {
  const make = (bundle?: string) =>
    integration('bundled', {
      host: 'https://vault.example.com',
      path: 'secret/data/app',
      domains: ['*'],
      appRole: { roleId: 'r', secretId: 's' },
      secret: 'x',
      ...(bundle && { bundle }),
    });

  it.each([
    ['be changed', 'finance', 'marketing'],
    ['be removed', 'finance', undefined],
    ['be added later', undefined, 'finance'],
  ])('cannot %s', async (_, before, after) => {
    await p.k.run('delete', 'vaultintegration', 'bundled', '-n', SYSTEM, '--ignore-not-found');
    await p.k.apply(make(before));
    const merge = JSON.stringify({ spec: { resourceBundle: after ?? null } });
    const refused = await p.k.refused([
      'patch',
      'vaultintegration',
      'bundled',
      '-n',
      SYSTEM,
      '--type=merge',
      '-p',
      merge,
    ]);
    expect(refused).toContain('resourceBundle is immutable');
    await p.k.remove('vaultintegration', SYSTEM, 'bundled');
  });
});

describe('a display name', () => {
  it('belongs to the integration that had it first', async () => {
    // Vault must know logins by AppRole, to refuse this one.
    await p.vault.appRole('twin', ['default']);
    const options = {
      host: p.vault.address,
      path: 'secret/data/app',
      domains: ['*'],
      appRole: { roleId: 'r', secretId: 's' },
      secret: 'twin',
      displayName: 'Twin',
    };
    await p.k.apply(credentials('twin', p.vault.address, 's'), integration('twin-a', options));
    await p.k.apply(integration('twin-b', options));
    await p.k.run(
      'wait',
      '--for=condition=Stalled',
      '--timeout=20s',
      'vaultintegration/twin-b',
      '-n',
      SYSTEM,
    );
    const { status } = await p.k.get('vaultintegration', SYSTEM, 'twin-b');
    expect(status.conditions[0]).toMatchObject({
      type: 'Ready',
      status: 'False',
      reason: 'NameConflict',
      message: expect.stringContaining('twin-a'),
    });
    const rename = ['patch', 'vaultintegration', 'twin-a', '-n', SYSTEM, '--type=merge', '-p'];
    await p.k.run(...rename, JSON.stringify({ spec: { displayName: 'Elder' } }));
    await p.k.run(
      'wait',
      '--for=jsonpath={.status.conditions[0].reason}=CredentialsRefused',
      '--timeout=20s',
      'vaultintegration/twin-b',
      '-n',
      SYSTEM,
    );
    await p.k.remove('vaultintegration', SYSTEM, 'twin-a');
    await p.k.remove('vaultintegration', SYSTEM, 'twin-b');
    await p.k.remove('secret', SYSTEM, 'twin');
  });
});
