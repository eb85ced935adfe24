import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoleProcess } from '../../hack/fairlead.ts';
import { kubectl } from '../../hack/install.ts';
import { until } from '../support/cluster.ts';
import { probe, scrape } from '../support/metrics.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { settled } from '../support/vault-product.ts';

const BROKEN = ['--import', new URL('../support/broken-process.ts', import.meta.url).href];

let p: Platform;
let namespace: string;
let controller: RoleProcess;
beforeAll(async () => {
  p = await platform('metrics', { flags: ['--log-level', 'info'] });
  namespace = await p.namespace('metrics');
  controller = p.fairlead.process('controller');
  await p.integration('metrics-vault', { a: 'one' }, { domains: ['metrics'] });
  await settled(p, 'metrics-vault', 'Connected');
  await p.k.apply(
    reference('warehouse', namespace, { A: 'VAULT/metrics-vault/a' }),
    reference('nothing', namespace, { A: 'VAULT/metrics-vault/nope' }),
  );
});
afterAll(async () => p?.stop());

/** The value of a series, once it is what `good` says. */
async function series(of: RoleProcess, name: string, good: (value: number | undefined) => boolean) {
  let value: number | undefined;
  await until(`${name} of ${of.role}`, async () => {
    value = (await scrape(of)).get(name);
    if (good(value)) return true;
    throw new Error(String(value));
  });
  return value;
}
const is = (expected: number | undefined) => (value: number | undefined) => value === expected;
const some = (value: number | undefined) => value !== undefined && value > 0;

async function lines(): Promise<Record<string, unknown>[]> {
  const text = (await controller.logs()).trim().split('\n');
  return text
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ level }) => level !== undefined);
}

describe('the metrics of a real process', () => {
  it('tell how long a pod waited, what the webhook answered, and what was read of Vault', async () => {
    await p.pod(namespace, 'one');
    await p.released(namespace, 'one');
    await series(controller, 'fairlead_delivery_duration_seconds_count{outcome="delivered"}', some);
    await series(controller, 'fairlead_integration_ready{integration="metrics-vault"}', is(1));
    await series(controller, 'fairlead_integration_references{integration="metrics-vault"}', is(2));
    const ok = 'fairlead_vault_read_duration_seconds_count{integration="metrics-vault",outcome="ok"}';
    await series(controller, ok, some);
    const patched = 'fairlead_admission_duration_seconds_count{webhook="/mutate/pods",outcome="patched"}';
    await series(p.fairlead.process('admission'), patched, some);
  });

  it('tell which pods wait, and forget the reason with the last of them', async () => {
    const waiting = 'fairlead_pods_waiting{reason="KeyNotFound"}';
    await p.pod(namespace, 'waits', 'nothing');
    await p.waits(namespace, 'waits', 'KeyNotFound');
    await series(controller, waiting, some);
    await series(controller, 'fairlead_pods_waiting_oldest_seconds', some);
    await p.k.run('delete', 'pod', 'waits', '-n', namespace, '--grace-period=0', '--force');
    await series(controller, waiting, is(undefined));
    await series(controller, 'fairlead_pods_waiting_oldest_seconds', is(0));
    await series(controller, 'fairlead_delivery_duration_seconds_count{outcome="gone"}', some);
  });

  it('tell when the certificate ends, as it is stored and as it is served', async () => {
    const { data } = await p.k.get('secret', SYSTEM, 'fairlead-webhook-cert');
    const { validToDate } = new X509Certificate(Buffer.from(data['tls.crt'], 'base64'));
    const at = (place: string) =>
      `fairlead_certificate_expiration_timestamp_seconds{certificate="fairlead-webhook-cert",place="${place}"}`;
    const end = is(validToDate.getTime() / 1000);
    await series(p.fairlead.process('certificates'), at('secret'), end);
    await series(p.fairlead.process('admission'), at('server'), end);
  });

  it('name no pod, reference or namespace', async () => {
    for (const one of p.fairlead.processes) {
      const text = [...(await scrape(one)).keys()].join('\n');
      for (const name of [namespace, 'warehouse', 'waits']) expect(text).not.toContain(name);
    }
  });
});

describe('the log of a real process', () => {
  it('tells of one pass under one id, with the pod and its references, once SIGUSR2 says so, until it says so again', async () => {
    const changed = async () => (await lines()).filter(({ msg }) => msg === 'the log level was changed');
    expect((await lines()).filter(({ level }) => level === 'debug')).toEqual([]);
    controller.signal('SIGUSR2');
    await until('the level to change', async () => (await changed()).length === 1);
    await p.pod(namespace, 'told');
    await p.released(namespace, 'told');
    const pod = `${namespace}/told`;
    const pass = await until('the line of the pass', async () =>
      // The first ones may have come too early for Vault.
      (await lines()).find(
        ({ msg, outcome, ...line }) => outcome === 'done' && msg === 'pass' && line['pod'] === pod,
      ),
    );
    expect(pass).toMatchObject({
      ...{ role: 'controller', controller: 'pods', references: ['warehouse'] },
      pass: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    });

    controller.signal('SIGUSR2');
    await until('the level to change back', async () => (await changed()).length === 2);
    await p.pod(namespace, 'quiet');
    await p.released(namespace, 'quiet');
    const all = await lines();
    const back = all.findLastIndex(({ msg }) => msg === 'the log level was changed');
    expect(all.slice(back).filter(({ level }) => level === 'debug')).toEqual([]);
    expect((await changed()).map(({ to }) => to)).toEqual(['debug', 'info']);
  });

  it('has the id of the pass also in what is logged deep below it', async () => {
    const login = (await lines()).find(({ msg }) => msg === 'logged in to Vault');
    expect(login).toMatchObject({
      controller: 'vaultintegrations',
      key: `${SYSTEM}/metrics-vault`,
      pass: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    });
  });
});

describe('/readyz with --readiness-requires-vault', () => {
  it('fails in the leader while no integration is Ready, and not in a standby', async () => {
    const flags = ['--readiness-requires-vault', 'true'];
    await controller.stop();
    const leader = await p.fairlead.startRole('controller', { name: 'strict', flags });
    await series(leader, 'fairlead_leader_election_master_status{name="fairlead-controller"}', is(1));
    const standby = await p.fairlead.startRole('controller', { name: 'strict-standby', flags });
    expect(await probe(leader, 'readyz')).toMatchObject({ status: 200 });
    expect((await probe(leader, 'readyz')).text).toContain('[+]vault ok');

    const secret = `login-metrics-vault`;
    const before = await p.k.get('secret', SYSTEM, secret);
    await kubectl(p.cluster, ['delete', 'secret', secret, '-n', SYSTEM]);
    await settled(p, 'metrics-vault', 'CredentialsMissing');
    await until('the readiness to go', async () => (await probe(leader, 'readyz')).status === 503);
    expect((await probe(leader, 'readyz')).text).toContain('[-]vault failed: no integration is Ready');
    expect((await probe(leader, 'livez')).status).toBe(200);
    // It must be able to take over, with other flags say, and mend it.
    expect((await probe(standby, 'readyz')).status).toBe(200);
    await series(leader, 'fairlead_integration_ready{integration="metrics-vault"}', is(0));

    const { name, annotations } = before.metadata;
    await p.k.apply({ ...before, metadata: { name, namespace: SYSTEM, annotations } });
    await settled(p, 'metrics-vault', 'Connected');
    await until('the readiness to come back', async () => (await probe(leader, 'readyz')).status === 200);
    await standby.stop();
    await leader.stop();
    controller = await p.fairlead.startRole('controller');
  });
});

describe('/livez', () => {
  it('fails for a leader one of whose loops has ended, though all else works', async () => {
    await controller.stop();
    const broken = await p.fairlead.startRole('controller', { name: 'broken', nodeFlags: BROKEN });
    await p.pod(namespace, 'before');
    await p.released(namespace, 'before');
    expect((await probe(broken, 'livez')).status).toBe(200);
    broken.signal('SIGWINCH');
    // Whoever takes it does this pass, and does not come back for the next one.
    await p.k.apply(reference('late', namespace, { A: 'VAULT/metrics-vault/a' }));
    const dead = await until('the end of the loop to be noticed', async () => {
      const seen = await probe(broken, 'livez');
      return seen.status === 503 && seen;
    });
    expect(dead.text).toContain('[-]loops failed: secretreferences has ended');
    expect((await probe(broken, 'readyz')).status).toBe(200);
    const log = await broken.logs();
    expect(log).toContain('"msg":"a worker has ended"');
    expect(log).not.toContain('hunter2');
    await broken.stop();
    controller = await p.fairlead.startRole('controller');
  });
});

describe('an integration that is deleted', () => {
  it('takes its series with it', async () => {
    const of = async () =>
      [...(await scrape(controller)).keys()].filter((key) => key.includes('metrics-vault'));
    await p.pod(namespace, 'last');
    await p.released(namespace, 'last');
    expect((await of()).length).toBeGreaterThan(5);
    await p.k.remove('vaultintegration', SYSTEM, 'metrics-vault');
    await until('its series to be gone', async () => (await of()).length === 0);
    // Its references are looked at once more, and ask for what is not there.
    await p.pod(namespace, 'too-late');
    await p.waits(namespace, 'too-late', 'IntegrationNotFound');
    expect(await of()).toEqual([]);
  });
});
