import type * as Crypto from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { createAuthority, issue } from '../../../hack/cluster/pki.ts';
import { make, secret, target } from '../../../test/support/vault-integration.ts';

const parsed = vi.hoisted(() => ({ certificates: 0 }));

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof Crypto>();
  return {
    ...crypto,
    X509Certificate: class extends crypto.X509Certificate {
      constructor(pem: string) {
        super(pem);
        parsed.certificates += 1;
      }
    },
  };
});

it('a bundle of CAs is read once, however many targets trust it', async () => {
  const { cert } = await createAuthority('vault-ca');
  const caBundle = cert.repeat(121);
  parsed.certificates = 0;
  const ids = new Set<string>();
  for (let one = 0; one < 200; one += 1) ids.add(target({ spec: { tls: { caBundle } } }).serverId);
  expect(ids.size).toBe(1);
  expect(parsed.certificates).toBe(121);
});

it('a bundle that cannot be read is read once, too', () => {
  const caBundle = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const answers = Array.from({ length: 3 }, () => make({ spec: { tls: { caBundle } } }));
  expect(new Set(answers.map((answer) => 'reason' in answer && answer.reason))).toEqual(
    new Set(['TLSVerificationFailed']),
  );
});

it('a client certificate is read once, and again when it is another one', async () => {
  const authority = await createAuthority('vault-clients');
  const [first, second] = [
    await issue(authority, { commonName: 'one', usage: ['client'] }),
    await issue(authority, { commonName: 'two', usage: ['client'] }),
  ];
  const as = ({ cert, key }: typeof first) =>
    make({
      spec: { tls: { clientCertSecretRef: { name: 'vault-prod' } } },
      secret: secret({ data: { token: 't', 'tls.crt': cert, 'tls.key': key } }),
    });
  parsed.certificates = 0;
  for (const one of [first, first, second, first, second]) expect(as(one).kind).toBe('target');
  expect(parsed.certificates).toBe(2);
});
