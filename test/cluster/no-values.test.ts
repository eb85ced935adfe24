import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cluster } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { tap, type Tap } from '../../hack/tap.ts';

/** Values that are planted in every source; none may be seen anywhere else, plain or in base64. */
const planted: string[] = [];
const plant = (shape = ''): string => {
  const value = `${shape}pl4nt-${randomBytes(12).toString('hex')}`;
  planted.push(value.slice(shape.length));
  return value;
};

let p: Platform;
let vault: Tap;
let namespace: string;
let legacy: string;
beforeAll(async () => {
  vault = await tap((await cluster()).bao?.address ?? '');
  p = await platform('novalues', { vaultHost: vault.address });
  namespace = await p.namespace('novalues');
  legacy = await p.namespace('novalues', { 'fairlead.dev/legacy-placeholders': 'enabled' });
});
afterAll(async () => {
  await p?.stop();
  await vault?.close();
});

/** Everything that a person or a program can read of Fairlead's doings, but the stores and the deliveries. */
async function everythingVisible(): Promise<Record<string, string>> {
  const visible: Record<string, string> = { logs: await p.logs() };
  for (const kind of [
    'pods',
    'events',
    'events.events.k8s.io',
    'configmaps',
    'vaultintegrations',
    'secretreferences',
    'storageconfigs',
    'leases',
    'validatingadmissionpolicies',
    'mutatingwebhookconfigurations',
  ]) {
    visible[kind] = await p.k.run('get', kind, '-A', '-o', 'json', '--show-managed-fields');
  }
  for (const { role, health } of p.fairlead.processes) {
    for (const path of ['/metrics', '/readyz?verbose', '/healthz?verbose'])
      visible[`${role} ${path}`] = await (await fetch(health + path)).text();
  }
  const secrets = await p.k.list('secrets', namespace);
  visible['names and annotations of deliveries'] = JSON.stringify(secrets.map(({ metadata }) => metadata));
  return visible;
}

describe('no value ever appears anywhere', () => {
  it('after runs with every kind of failure, at debug level', async () => {
    const values = {
      good: plant(),
      nul: `${plant()}\0`,
      big: plant('x'.repeat(131_100)),
      'other-key': plant(),
    };
    await p.store('novalues', { good: values.good, big: values.big, 'other-key': values['other-key'] });
    await p.k.run(
      'patch',
      'secret',
      'iomete-secret-store-novalues',
      '-n',
      SYSTEM,
      '-p',
      JSON.stringify({ data: { nul: Buffer.from(values.nul).toString('base64') } }),
    );
    await p.store('global', { smtp: plant() });
    await p.integration(
      'novalues',
      { good: plant(), nested: { deep: [plant()] }, nul: `${plant()}\0`, [`key-${plant()}`]: 1 },
      { domains: ['novalues'] },
    );
    const wrong = plant();
    await p.integration('novalues-badlogin', { a: plant() }, { domains: ['novalues'] });
    await p.k.run(
      'patch',
      'secret',
      'login-novalues-badlogin',
      '-n',
      SYSTEM,
      '-p',
      JSON.stringify({ data: { secretId: Buffer.from(wrong).toString('base64') } }),
    );
    const { data } = await p.k.get('secret', SYSTEM, 'login-novalues');
    planted.push(Buffer.from(data.secretId, 'base64').toString());

    const cases: [
      string,
      Record<string, `${'KUBERNETES' | 'VAULT'}/${string}/${string}`>,
      string | undefined,
    ][] = [
      [
        'good',
        { A: 'KUBERNETES/novalues/good', B: 'VAULT/novalues/good', C: 'VAULT/novalues/nested' },
        undefined,
      ],
      ['missing', { A: 'KUBERNETES/novalues/good', B: 'VAULT/novalues/nope' }, 'KeyNotFound'],
      ['nul', { A: 'KUBERNETES/novalues/nul' }, 'NotAnEnvironmentValue'],
      ['nulvault', { A: 'VAULT/novalues/nul' }, 'NotAnEnvironmentValue'],
      ['big', { A: 'KUBERNETES/novalues/big' }, 'TooLarge'],
      ['badlogin', { A: 'VAULT/novalues-badlogin/a' }, 'CredentialsRefused'],
    ];
    for (const [name, env] of cases) {
      await p.k.apply(reference(name, namespace, env));
      await p.pod(namespace, name, name);
    }
    await p.pod(legacy, 'placeholder', '', {
      spec: {
        containers: [
          {
            name: 'main',
            image: p.cluster.image,
            command: ['sleep', '3600'],
            env: [{ name: 'URL', value: 'smtp://${secrets.smtp}@h' }],
          },
        ],
      },
    });
    await p.released(legacy, 'placeholder');
    for (const [name, , reason] of cases) {
      if (reason === undefined) await p.released(namespace, name);
      else await p.waits(namespace, name, reason);
    }
    // A quota that refuses the delivery: the API server's own words quote nothing of it.
    await p.k.run('create', 'quota', 'no-secrets', '-n', namespace, '--hard=secrets=0');
    await p.pod(namespace, 'quota', 'good');
    const { message } = await p.waits(namespace, 'quota', 'DeliveryRefused');
    expect(message).toContain('ResourceQuota no-secrets');
    // Answers that are no JSON, or that quote what they were sent.
    for (const [i, body] of [
      `not json ${plant()}`,
      `{"errors":["${plant()}"]}`,
      `{"data":{"data":"${plant()}"}}`,
    ].entries()) {
      for (const status of [200, 400, 500]) {
        vault.fault = {
          kind: 'answer',
          status,
          body,
          headers: { 'content-type': 'application/json', 'x-planted': plant() },
        };
        const id = `novalues-${i}-${status}`;
        await p.integration(id, undefined, { domains: ['novalues'] });
        await p.k.run(
          'wait',
          '--for=condition=Ready=false',
          '--timeout=20s',
          `vaultintegration/${id}`,
          '-n',
          SYSTEM,
        );
      }
    }
    vault.fault = undefined;

    expect(planted.length).toBeGreaterThan(15);
    for (const [where, text] of Object.entries(await everythingVisible())) {
      expect(text.length, where).toBeGreaterThan(0);
      for (const value of planted) {
        expect(text.includes(value), `${value} in ${where}`).toBe(false);
        expect(text.includes(Buffer.from(value).toString('base64')), `base64 of ${value} in ${where}`).toBe(
          false,
        );
      }
    }
  }, 180_000);

  it('the search itself finds what is there', async () => {
    const stores = await p.k.run('get', 'secrets', '-n', SYSTEM, '-o', 'json');
    expect(stores).toContain(Buffer.from(planted[0] ?? '').toString('base64'));
  });
});
