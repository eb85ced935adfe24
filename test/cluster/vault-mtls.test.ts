import { inspect } from 'node:util';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE_ANNOTATION, CREDENTIALS_TYPE, VAULT_HOST_ANNOTATION } from '../../src/api/names.ts';
import type { VaultTls } from '../../src/api/vault-auth.ts';
import type { CredentialsSecret } from '../../src/sources/vault/credentials.ts';
import { key, made, wanted, type Wanted } from '../support/vault-auth.ts';
import { startTlsLab, type TlsLab } from '../support/vault-tls.ts';
import { asker, gist, type Asker } from '../support/vault-lab.ts';

/** Whom Fairlead trusts and who it says it is, against a real OpenBao that wants client certificates. */

let lab: TlsLab;
let asking: Asker;
const DATA = { a: 'b' };
const TLS_TYPE = 'kubernetes.io/tls';

beforeAll(async () => {
  lab = await startTlsLab('vault-mtls');
  await lab.admin('POST', 'secret/data/app', { data: DATA });
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(() => asking.close());

interface Made {
  readonly type?: string;
  readonly host?: string;
  readonly bundle?: string;
  readonly uid?: string;
}

function secret(
  data: Record<string, string>,
  { type = TLS_TYPE, host, bundle, uid = '1' }: Made = {},
): CredentialsSecret {
  return {
    type,
    metadata: {
      uid,
      annotations: {
        [VAULT_HOST_ANNOTATION]: host ?? lab.bao.address,
        ...(bundle !== undefined && { [BUNDLE_ANNOTATION]: bundle }),
      },
    },
    data: Object.fromEntries(Object.entries(data).map(([of, text]) => [of, btoa(text)])),
  };
}

const ours = () => ({ 'tls.crt': lab.client.cert, 'tls.key': lab.client.key });

/** With the Secrets and ConfigMaps that these names stand for. */
function options(
  tls: VaultTls,
  secrets: Record<string, CredentialsSecret> = {},
  configMaps: Record<string, Record<string, string>> = {},
): Wanted {
  const all: Record<string, CredentialsSecret> = {
    login: secret({ token: lab.bao.rootToken }, { type: CREDENTIALS_TYPE }),
    client: secret(ours()),
    ...secrets,
  };
  return {
    host: lab.bao.address,
    tls,
    auth: { token: { secretRef: key('token') } },
    objects: {
      secret: (name) => all[name],
      configMap: (name) => (configMaps[name] ? { data: configMaps[name] } : undefined),
    },
  };
}

const clientCertSecretRef = { name: 'client' };
const inline = (): VaultTls => ({ caBundle: lab.ca, clientCertSecretRef });

describe('the CA of Vault', () => {
  const from: Record<string, () => Wanted> = {
    'stands in the integration': () => options(inline()),
    'stands in a Secret of credentials': () =>
      options(
        { caSecretRef: { name: 'ca' }, clientCertSecretRef },
        { ca: secret({ 'ca.crt': lab.ca }, { type: CREDENTIALS_TYPE }) },
      ),
    'stands in a Secret as cert-manager writes it': () =>
      options(
        { caSecretRef: { name: 'client' }, clientCertSecretRef },
        { client: secret({ ...ours(), 'ca.crt': lab.ca }) },
      ),
    'stands under another key of a Secret': () =>
      options(
        { caSecretRef: { name: 'ca', key: 'vault.pem' }, clientCertSecretRef },
        { ca: secret({ 'vault.pem': lab.ca }) },
      ),
    'stands in a ConfigMap': () =>
      options({ caConfigMapRef: { name: 'ca' }, clientCertSecretRef }, {}, { ca: { 'ca.crt': lab.ca } }),
    'stands under another key of a ConfigMap, among others': () =>
      options(
        { caConfigMapRef: { name: 'ca', key: 'all' }, clientCertSecretRef },
        {},
        { ca: { all: `${lab.otherCa}\n${lab.ca}` } },
      ),
  };
  it.each(Object.entries(from))('%s, and Vault is read', async (_, make) => {
    expect(gist(await asking.ask(wanted(make())))).toEqual(DATA);
  });

  it('that changes is used at once, without a restart', async () => {
    const by = (ca: string) =>
      options({ caConfigMapRef: { name: 'ca' }, clientCertSecretRef }, {}, { ca: { 'ca.crt': ca } });
    expect(gist(await asking.ask(wanted(by(lab.otherCa))))).toBe('TLSVerificationFailed');
    expect(gist(await asking.ask(wanted(by(lab.ca))))).toEqual(DATA);
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(wanted(by(lab.otherCa))))).toBe('TLSVerificationFailed');
  });

  it('is one of the system if nothing is said', async () => {
    expect(gist(await asking.ask(wanted(options({ clientCertSecretRef }))))).toBe('TLSVerificationFailed');
    // Node looks for them once for each process, where SSL_CERT_FILE says.
    const script = `
      import { secureContext } from '${new URL('../../src/sources/vault/tls.ts', import.meta.url).pathname}';
      import { connect } from 'node:tls';
      const [port] = process.argv.slice(2);
      const socket = connect({ host: '127.0.0.1', port, secureContext: secureContext({}) }, () => {
        console.log(socket.authorized);
        socket.destroy();
      });
      socket.on('error', (error) => console.log(error.code));`;
    const trusting = async (env: Record<string, string>) => {
      const { port } = new URL(lab.bao.address);
      const args = ['--input-type=module', '-', port];
      const child = promisify(execFile)(process.execPath, args, { env, timeout: 20_000 });
      child.child.stdin?.end(script);
      return (await child).stdout.trim();
    };
    expect(await trusting({ SSL_CERT_FILE: lab.caFile })).toBe('true');
    expect(await trusting({})).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  const unusable: Record<string, [make: () => Wanted, reason: string, says: RegExp]> = {
    'in a Secret that is not there': [
      () => options({ caSecretRef: { name: 'missing' }, clientCertSecretRef }),
      'CredentialsMissing',
      /there is no Secret missing of type fairlead.dev\/vault-credentials or kubernetes.io\/tls/,
    ],
    'in a Secret of another type': [
      () =>
        options({ caSecretRef: { name: 'ca' } }, { ca: secret({ 'ca.crt': lab.ca }, { type: 'Opaque' }) }),
      'CredentialsRefused',
      /Secret ca must be of type fairlead.dev\/vault-credentials or kubernetes.io\/tls/,
    ],
    'in a Secret for another host': [
      () =>
        options(
          { caSecretRef: { name: 'ca' } },
          { ca: secret({ 'ca.crt': lab.ca }, { host: 'https://other' }) },
        ),
      'CredentialsRefused',
      /annotation fairlead.dev\/vault-host of Secret ca must be https:/,
    ],
    'in a Secret of a bundle': [
      () =>
        options({ caSecretRef: { name: 'ca' } }, { ca: secret({ 'ca.crt': lab.ca }, { bundle: 'finance' }) }),
      'CredentialsRefused',
      /Secret ca must have no annotation fairlead.dev\/resource-bundle/,
    ],
    'in a Secret without the key': [
      () => options({ caSecretRef: { name: 'client' } }),
      'CredentialsMissing',
      /Secret client has no key "ca.crt", or it is empty/,
    ],
    'in a ConfigMap that is not there': [
      () => options({ caConfigMapRef: { name: 'missing' } }),
      'TLSVerificationFailed',
      /there is no ConfigMap missing with certificates in its key ca.crt/,
    ],
    'that is none': [
      () => options({ caConfigMapRef: { name: 'ca' } }, {}, { ca: { 'ca.crt': 'planted' } }),
      'TLSVerificationFailed',
      /key ca.crt of ConfigMap ca holds no certificate, or one that cannot be read/,
    ],
  };
  it.each(Object.entries(unusable))('%s is refused before anything is sent', (_, [make, reason, says]) => {
    const failed = made(make());
    expect(failed).toMatchObject({ kind: 'failed', reason, message: expect.stringMatching(says) });
    expect(JSON.stringify(failed)).not.toContain('planted');
  });
});

describe('the client certificate', () => {
  it.each([CREDENTIALS_TYPE, TLS_TYPE])('stands in a Secret of type %s, and Vault is read', async (type) => {
    expect(gist(await asking.ask(wanted(options(inline(), { client: secret(ours(), { type }) }))))).toEqual(
      DATA,
    );
  });

  it('that changes is used at once, without a restart', async () => {
    const stranger = { 'tls.crt': lab.stranger.cert, 'tls.key': lab.stranger.key };
    const as = (data: Record<string, string>) => wanted(options(inline(), { client: secret(data) }));
    expect(await asking.ask(as(stranger))).toMatchObject({ kind: 'failed' });
    expect(gist(await asking.ask(as(ours())))).toEqual(DATA);
    expect(as(ours()).serverId).not.toBe(as(stranger).serverId);
  });

  it.each<[string, () => Wanted]>([
    ['is missing', () => options({ caBundle: lab.ca })],
    [
      'is of an authority that Vault does not know',
      () =>
        options(inline(), { client: secret({ 'tls.crt': lab.stranger.cert, 'tls.key': lab.stranger.key }) }),
    ],
  ])('is asked for by Vault where it %s, and the message says so', async (_, make) => {
    const answer = await asking.ask(wanted(make()));
    // TLS 1.3: the handshake is over before Vault looks, and all that is seen of its refusal is the end.
    expect(answer).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringMatching(
        /the connection broke.*spec.tls.clientCertSecretRef if it wants client certificates/,
      ),
    });
  });

  const unusable: Record<string, [make: () => Wanted, reason: string, says: RegExp]> = {
    'without its key': [
      () => options(inline(), { client: secret({ 'tls.crt': lab.client.cert }) }),
      'CredentialsMissing',
      /Secret client has no key "tls.key"/,
    ],
    'with the key of another': [
      () => options(inline(), { client: secret({ ...ours(), 'tls.key': lab.stranger.key }) }),
      'CredentialsRefused',
      /Secret client must hold a PEM certificate in tls.crt and its unencrypted private key/,
    ],
    'that is none': [
      () => options(inline(), { client: secret({ ...ours(), 'tls.crt': 'planted' }) }),
      'CredentialsRefused',
      /Secret client must hold a PEM certificate/,
    ],
    'for another host': [
      () => options(inline(), { client: secret(ours(), { host: 'https://other' }) }),
      'CredentialsRefused',
      /annotation fairlead.dev\/vault-host of Secret client must be/,
    ],
    'of a bundle': [
      () => options(inline(), { client: secret(ours(), { bundle: 'finance' }) }),
      'CredentialsRefused',
      /Secret client must have no annotation fairlead.dev\/resource-bundle/,
    ],
  };
  it.each(Object.entries(unusable))('%s is refused before anything is sent', (_, [make, reason, says]) => {
    const failed = made(make());
    expect(failed).toMatchObject({ kind: 'failed', reason, message: expect.stringMatching(says) });
    expect(JSON.stringify(failed)).not.toContain('planted');
  });

  it('shows its key nowhere', () => {
    const shown = inspect(wanted(options(inline())), { depth: Infinity, showHidden: true });
    const [, line = ''] = lab.client.key.split('\n');
    expect(shown).not.toContain(line);
    expect(shown).not.toContain(lab.bao.rootToken);
  });
});
