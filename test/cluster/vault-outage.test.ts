import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBao, type Bao } from '../../hack/cluster/bao.ts';
import { http } from '../../hack/cluster/http.ts';
import { createAuthority, issue } from '../../hack/cluster/pki.ts';
import { credentials, integration } from '../../hack/demo/objects.ts';
import { readPolicy } from '../../hack/vault-admin.ts';
import { cluster, scratch, until } from '../support/cluster.ts';
import { platform, reference, SYSTEM, type Platform } from '../support/platform.ts';
import { tap, type Fault, type Tap } from '../../hack/tap.ts';

let p: Platform;
let vault: Tap;
/** A second server, behind TLS with a CA of its own. */
let secure: { readonly bao: Bao; readonly ca: string; readonly dir: string };
let namespace: string;
const ID = 'outage';
const PATH = `secret/data/${ID}`;

beforeAll(async () => {
  vault = await tap((await cluster()).bao?.address ?? '');
  secure = await secureBao();
  const hosts = [vault.address, secure.bao.address].join(',');
  p = await platform('outage', { vaultHost: vault.address, flags: ['--vault-hosts', hosts] });
  namespace = await p.namespace('outage');
  await p.integration(ID, { a: 'one' }, { domains: ['outage'] });
  await p.k.apply(reference('warehouse', namespace, { A: `VAULT/${ID}/a` }));
  await p.pod(namespace, 'running');
  await p.released(namespace, 'running');
});
afterEach(async () => {
  vault.fault = undefined;
});
afterAll(async () => {
  await p?.stop();
  await vault?.close();
  await secure?.bao.close();
  await rm(secure.dir, { recursive: true, force: true });
});

async function secureBao(): Promise<typeof secure> {
  const dir = await scratch('outage-tls');
  const authority = await createAuthority('vault-ca');
  const { cert, key } = await issue(authority, {
    commonName: 'vault',
    usage: ['server'],
    ips: ['127.0.0.1'],
  });
  const tls = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') };
  await writeFile(tls.certFile, cert);
  await writeFile(tls.keyFile, key, { mode: 0o600 });
  return { bao: await startBao({ dir: join(dir, 'bao'), tls }), ca: authority.cert, dir };
}

async function ready(status: 'True' | 'False', reason: string): Promise<{ message: string }> {
  return until(`the integration to be ${status}/${reason}`, async () => {
    const { conditions } = (await p.k.get('vaultintegration', SYSTEM, ID)).status;
    const [condition] = conditions;
    if (condition.status === status && condition.reason === reason) return condition;
    throw new Error(JSON.stringify(condition));
  });
}

interface Outage {
  readonly what: string;
  /** The whole server is down: it is looked at every 1.5 s, and everybody who waits starts once it is back. */
  readonly isDown: boolean;
  readonly reason: string;
  readonly says: RegExp;
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}
const fault = (what: string, reason: string, says: RegExp, how: Fault): Outage => ({
  what,
  isDown: reason === 'Unreachable',
  reason,
  says,
  begin: async () => void (vault.fault = how),
  end: async () => void (vault.fault = undefined),
});
const bao = () => {
  if (!p.cluster.bao) throw new Error('no OpenBao');
  return p.cluster.bao;
};

const OUTAGES: readonly Outage[] = [
  {
    what: 'Vault is stopped',
    isDown: true,
    reason: 'Unreachable',
    says: /secret\/data\/outage|127\.0\.0\.1/,
    begin: async () => bao().stop(),
    end: async () => bao().start(),
  },
  {
    what: 'Vault is sealed',
    isDown: true,
    reason: 'Sealed',
    says: /503/,
    begin: async () => bao().seal(),
    end: async () => bao().unseal(),
  },
  {
    what: 'the policy is removed',
    isDown: false,
    reason: 'PermissionDenied',
    says: /secret\/data\/outage.*403|403.*secret\/data\/outage/,
    begin: async () => p.vault.policy(ID, '# nothing'),
    end: async () => p.vault.policy(ID, readPolicy(PATH)),
  },
  fault('Vault answers 429', 'RateLimited', /429/, {
    kind: 'answer',
    status: 429,
    body: '{"errors":["request path \\"secret/data/outage\\": rate limit quota exceeded"]}',
  }),
  fault('connections are cut', 'Unreachable', /outage|127\.0\.0\.1/, { kind: 'cut' }),
  fault('a gateway answers 502 with a page', 'Unreachable', /502/, {
    kind: 'answer',
    status: 502,
    body: '<html>planted-in-a-page</html>',
  }),
];

describe.each(OUTAGES)('$what', ({ reason, says, begin, end, what, isDown }) => {
  const pod = `during-${what.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;

  it('holds new pods with the right reason, leaves running ones alone, asks rarely, and goes on by itself', async () => {
    const running = await p.getPod(namespace, 'running');
    const names = [0, 1, 2, 3].map((i) => `${pod}-${i}`);
    await begin();
    try {
      vault.take();
      await Promise.all(names.map(async (name) => p.pod(namespace, name)));
      const { message } = await p.waits(namespace, `${pod}-0`, reason);
      expect(message).toContain(`A from VAULT/${ID} key a`);
      expect(message).toMatch(says);
      expect(message).not.toContain('planted');
      await ready('False', reason);
      // To find out: the read, whether the token lives, a fresh login and what it gives, the mount, a folder, the health.
      expect(vault.take().length).toBeLessThanOrEqual(10);
      const began = performance.now();
      // Four pods, a reference and an integration wait together: count for some seconds what they cost Vault.
      const counted = await until(
        'some seconds of waiting',
        async () => performance.now() - began > 8_000 && vault.take(),
      );
      expect(counted.length).toBeLessThan(8);
    } finally {
      await end();
    }
    // About 3 s if the server was down, as it is looked at all the time; a single path has its pauses.
    const limitMs = isDown ? 12_000 : 40_000;
    await Promise.all(names.map(async (name) => p.released(namespace, name, limitMs)));
    await ready('True', 'Connected');
    const after = await p.getPod(namespace, 'running');
    expect(after.metadata.uid).toBe(running.metadata.uid);
    expect(await p.delivered(namespace, 'running')).toEqual({ A: 'one' });
  });
});

describe('a CA that is not the one of Vault', () => {
  it('holds new pods with the right reason, and they go on by themselves once it is corrected', async () => {
    const { bao: server, ca } = secure;
    await http(`${server.address}/v1/secret/data/secure`, {
      method: 'POST',
      body: { data: { a: 'over TLS' } },
      anyCertificate: true,
      headers: { 'x-vault-token': server.rootToken },
    });
    const login = credentials('secure', server.address, server.rootToken);
    const options = {
      host: server.address,
      path: 'secret/data/secure',
      domains: ['outage'],
      appRole: { roleId: '', secretId: '' },
      secret: 'secure',
    };
    const other = await createAuthority('other-ca');
    const withCa = (caBundle: string) => {
      const manifest = integration('secure', options) as { spec: object };
      const auth = { token: { secretRef: { name: 'secure', key: 'secretId' } } };
      return { ...manifest, spec: { ...manifest.spec, auth, tls: { caBundle } } };
    };
    await p.k.apply(login, withCa(other.cert), reference('secure', namespace, { A: 'VAULT/secure/a' }));
    await p.pod(namespace, 'secure', 'secure');
    const { message } = await p.waits(namespace, 'secure', 'TLSVerificationFailed');
    expect(message).toContain(server.address);
    await p.k.apply(withCa(ca));
    await p.released(namespace, 'secure');
    expect(await p.delivered(namespace, 'secure')).toEqual({ A: 'over TLS' });
    await p.k.remove('vaultintegration', SYSTEM, 'secure');
    await p.k.remove('secret', SYSTEM, 'secure');
  });
});

describe('credentials that Vault refuses', () => {
  it('are not tried again until they change: repeated bad logins lock accounts', async () => {
    await p.integration('refused', { a: 'one' }, { domains: ['outage'] });
    await p.k.run('wait', '--for=condition=Ready', '--timeout=20s', 'vaultintegration/refused', '-n', SYSTEM);
    const good = (await p.k.get('secret', SYSTEM, 'login-refused')).data.secretId;
    const write = async (secretId: string) =>
      p.k.run('patch', 'secret', 'login-refused', '-n', SYSTEM, '-p', JSON.stringify({ data: { secretId } }));
    const bad = async (reason: string) =>
      p.k.run(
        'wait',
        `--for=jsonpath={.status.conditions[0].reason}=${reason}`,
        '--timeout=20s',
        'vaultintegration/refused',
        '-n',
        SYSTEM,
      );
    await p.k.apply(reference('refused', namespace, { A: 'VAULT/refused/a' }));
    const resolved = ['wait', '--for=condition=Ready', '--timeout=20s', 'secretreference/refused'];
    await p.k.run(...resolved, '-n', namespace);
    vault.take();
    await write(Buffer.from('wrong-planted-secret-id').toString('base64'));
    await bad('CredentialsRefused');
    await p.pod(namespace, 'refused', 'refused');
    const { message } = await p.waits(namespace, 'refused', 'CredentialsRefused');
    expect(message).not.toContain('planted');
    const began = performance.now();
    const logins = await until('some seconds', async () => performance.now() - began > 4_000 && vault.take());
    // The login, the token of before given back, and what server it is, for the status.
    expect(logins.length).toBeLessThanOrEqual(3);
    await write(good);
    await p.released(namespace, 'refused');
  });

  it('are not sent to another host, and not used for another bundle', async () => {
    await p.integration('bound', { a: 'one' }, { domains: ['outage'] });
    await p.k.run('wait', '--for=condition=Ready', '--timeout=20s', 'vaultintegration/bound', '-n', SYSTEM);
    const spy = await tap(p.vault.address);
    try {
      const merge = JSON.stringify({ spec: { host: spy.address } });
      await p.k.run('patch', 'vaultintegration', 'bound', '-n', SYSTEM, '--type=merge', '-p', merge);
      await until('the refusal', async () => {
        const { conditions } = (await p.k.get('vaultintegration', SYSTEM, 'bound')).status;
        return conditions[0].status === 'False' && conditions[0];
      });
      expect(spy.take()).toEqual([]);
    } finally {
      await spy.close();
    }
  });
});
