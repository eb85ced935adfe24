import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBao, type Bao } from '../../hack/cluster/bao.ts';
import { http } from '../../hack/cluster/http.ts';
import { createAuthority, issue } from '../../hack/cluster/pki.ts';
import { asker, gist, target, type Asker, type TargetOptions } from '../support/vault-lab.ts';

/** A real OpenBao behind TLS. */

let dir: string;
let bao: Bao;
let ca: string;
let otherCa: string;
let asking: Asker;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fairlead-vault-tls-'));
  const authority = await createAuthority('vault-ca');
  ca = authority.cert;
  otherCa = (await createAuthority('other-ca')).cert;
  const { cert, key } = await issue(authority, {
    commonName: 'vault',
    usage: ['server'],
    ips: ['127.0.0.1'],
  });
  const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key, { mode: 0o600 });
  bao = await startBao({ dir: join(dir, 'bao'), tls: files });
  await http(`${bao.address}/v1/secret/data/app`, {
    method: 'POST',
    body: { data: { a: 'b' } },
    anyCertificate: true,
    headers: { 'x-vault-token': bao.rootToken },
  });
});
afterAll(async () => {
  await bao.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  asking = asker();
});
afterEach(() => asking.close());

const at = (changes: Partial<TargetOptions> = {}) =>
  target({ host: bao.address, token: bao.rootToken, caBundle: ca, ...changes });

describe('a Vault behind TLS', () => {
  it('is read with its CA', async () => {
    expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
  });

  it('is read with its CA among others', async () => {
    expect(gist(await asking.ask(at({ caBundle: `${otherCa}${ca}` })))).toEqual({ a: 'b' });
  });

  const refused: Record<string, [changes: () => Partial<TargetOptions>, says: RegExp]> = {
    'with another CA': [
      () => ({ caBundle: otherCa }),
      /not signed by a CA that is trusted: put its CA into spec.tls \(caBundle, caSecretRef or caConfigMapRef\)/,
    ],
    'under another name': [
      () => ({ host: bao.address.replace('127.0.0.1', 'localhost') }),
      /the certificate of Vault is not for this host/,
    ],
  };
  it.each(Object.entries(refused))(
    'is not trusted %s, and no token goes there',
    async (_, [changes, says]) => {
      const answer = await asking.ask(at(changes()));
      expect(answer).toMatchObject({ reason: 'TLSVerificationFailed', retryAfterMs: expect.any(Number) });
      expect(answer).toHaveProperty('message', expect.stringMatching(says));
      expect(JSON.stringify(answer)).not.toContain('planted');
    },
  );

  it('is not even asked with a CA that cannot be read', () => {
    expect(() => at({ caBundle: 'planted' })).toThrow(
      /^spec.tls.caBundle holds no certificate, or one that cannot be read: write PEM certificates into it$/,
    );
  });

  it('is not trusted without its CA', async () => {
    const { caBundle: _, ...options } = { host: bao.address, token: bao.rootToken, caBundle: ca };
    expect(gist(await asking.ask(target(options)))).toBe('TLSVerificationFailed');
  });

  it('is read once its CA is configured, though it was refused before', async () => {
    expect(gist(await asking.ask(at({ caBundle: otherCa })))).toBe('TLSVerificationFailed');
    expect(gist(await asking.ask(at()))).toEqual({ a: 'b' });
  });

  it('is Unreachable spoken to without TLS', async () => {
    const answer = await asking.ask(at({ host: bao.address.replace('https:', 'http:') }));
    expect(gist(answer)).toBe('Unreachable');
  });
});

describe('an address that is not listed', () => {
  it('is not connected to, whatever name leads there', async () => {
    const host = bao.address.replace('127.0.0.1', 'localhost');
    const answer = await asking.ask(at({ host, listed: false }));
    expect(answer).toMatchObject({ reason: 'Unreachable' });
    expect(answer).toHaveProperty('message', expect.stringContaining('--vault-hosts'));
  });
});
