import { X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  issue,
  parseBundle,
  renewalDue,
  secretData,
  servingNames,
  type CertificateBundle,
} from './certificates.ts';
import { startHttps, type HttpsListening } from './https.ts';
import { call } from './test-support.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const NAMES = servingNames('fairlead-webhook', 'fairlead-system', ['localhost', '127.0.0.1', '::1']);
const later = (days: number, from = NOW) => new Date(from.getTime() + days * 86_400_000);
const leafOf = ({ cert }: CertificateBundle) => new X509Certificate(cert);
const authoritiesOf = ({ caCert }: CertificateBundle) =>
  (caCert.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n?/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );
const trusts = (ca: CertificateBundle, leaf: CertificateBundle) =>
  authoritiesOf(ca).some((ca) => leafOf(leaf).checkIssued(ca) && leafOf(leaf).verify(ca.publicKey));

let first: CertificateBundle;
beforeAll(async () => {
  first = await issue({ ...NAMES, now: NOW });
});

describe('servingNames', () => {
  test('are those of the Service, and what else was asked for, sorted into names and addresses', () => {
    expect(NAMES).toEqual({
      dnsNames: [
        'fairlead-webhook.fairlead-system.svc',
        'fairlead-webhook.fairlead-system.svc.cluster.local',
        'localhost',
      ],
      ipAddresses: ['127.0.0.1', '::1'],
    });
    expect(servingNames('a', 'b', ['a.b.svc', 'a.b.svc']).dnsNames).toHaveLength(2);
  });
});

describe('issue', () => {
  test('makes a server certificate for the names, signed by a CA', () => {
    const leaf = leafOf(first);
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.checkHost('fairlead-webhook.fairlead-system.svc')).toBeDefined();
    expect(leaf.checkHost('other.fairlead-system.svc')).toBeUndefined();
    expect([leaf.checkIP('127.0.0.1'), leaf.checkIP('::1')]).toEqual(['127.0.0.1', '::1']);
    expect(trusts(first, first)).toBe(true);
    const [authority] = authoritiesOf(first);
    expect(authority?.ca).toBe(true);
    expect(authority?.checkIssued(authority)).toBe(true);
  });

  test('lives as long as it should, from a little before now on', () => {
    const leaf = leafOf(first);
    expect(leaf.validFromDate).toEqual(new Date('2026-03-01T11:00:00Z'));
    expect(leaf.validToDate).toEqual(later(90));
    expect(authoritiesOf(first)[0]?.validToDate).toEqual(later(3650));
  });

  test('never outlives its CA', async () => {
    const short = await issue({ ...NAMES, now: NOW, caDays: 10, leafDays: 90 });
    expect(leafOf(short).validToDate).toEqual(later(10));
  });

  test('has serial numbers that are positive, 16 bytes long and never the same', async () => {
    const serials = new Set<string>();
    for (let i = 0; i < 20; i++)
      serials.add(leafOf(await issue({ ...NAMES, now: NOW, previous: first })).serialNumber);
    expect(serials.size).toBe(20);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('goes on with the CA it has', async () => {
    const second = await issue({ ...NAMES, now: later(60), previous: first });
    expect(second.caCert).toBe(first.caCert);
    expect(second.caKey).toBe(first.caKey);
    expect(second.key).not.toBe(first.key);
    expect(trusts(first, second)).toBe(true);
  });

  test.each([
    ['no name', { dnsNames: [], ipAddresses: [] }],
    ['a name with a blank', { dnsNames: ['a b'], ipAddresses: [] }],
    ['a name with a line break', { dnsNames: ['a\nb'], ipAddresses: [] }],
    ['an empty name', { dnsNames: [''], ipAddresses: [] }],
    ['a name that is too long', { dnsNames: [`${'a.'.repeat(130)}a`], ipAddresses: [] }],
    ['an address that is none', { dnsNames: [], ipAddresses: ['300.1.1.1'] }],
  ])('refuses %s', async (_, names) => {
    await expect(issue({ ...names, now: NOW })).rejects.toMatchObject({
      name: 'CertificateError',
      code: 'InvalidName',
    });
  });

  test('takes a wildcard', async () => {
    const names = { dnsNames: ['*.example.com'], ipAddresses: [] };
    const bundle = await issue({ ...names, now: NOW });
    expect(parseBundle(secretData(bundle), { ...names, now: NOW }).kind).toBe('valid');
  });
});

describe('the change from one CA to the next', () => {
  const rotation = later(3650 * (2 / 3) + 1);

  test('happens when a third of its life is left, and both are trusted', async () => {
    const before = await issue({ ...NAMES, now: later(-30, rotation), previous: first });
    expect(before.caCert).toBe(first.caCert);
    const rotated = await issue({ ...NAMES, now: rotation, previous: before });
    expect(authoritiesOf(rotated)).toHaveLength(2);
    expect(rotated.caKey).not.toBe(first.caKey);
    expect(trusts(rotated, rotated)).toBe(true);
    expect(trusts(rotated, before)).toBe(true);
    expect(authoritiesOf(rotated)[0]?.subject).not.toBe(authoritiesOf(rotated)[1]?.subject);
    expect(parseBundle(secretData(rotated), { ...NAMES, now: rotation }).kind).toBe('valid');
  });

  test('keeps the old one until no certificate of its can be valid', async () => {
    const rotated = await issue({ ...NAMES, now: rotation, previous: first });
    const soon = await issue({ ...NAMES, now: later(60, rotation), previous: rotated });
    expect(soon.caCert).toBe(rotated.caCert);
    const done = await issue({ ...NAMES, now: later(120, rotation), previous: soon });
    expect(authoritiesOf(done)).toHaveLength(1);
    expect(done.caKey).toBe(rotated.caKey);
  });

  test('keeps the old one trusted if its key is lost or wrong', async () => {
    const other = await issue({ ...NAMES, now: NOW });
    for (const caKey of ['', 'garbage', other.caKey]) {
      const next = await issue({ ...NAMES, now: NOW, previous: { ...first, caKey } });
      expect(trusts(next, first)).toBe(true);
      expect(trusts(next, next)).toBe(true);
      expect(authoritiesOf(next)).toHaveLength(2);
    }
  });

  test('starts anew if there is nothing to go on with', async () => {
    const previous = { caCert: 'garbage', caKey: '', cert: '', key: '' };
    expect(authoritiesOf(await issue({ ...NAMES, now: NOW, previous }))).toHaveLength(1);
    expect(authoritiesOf(await issue({ ...NAMES, now: later(4000), previous: first }))).toHaveLength(1);
  });

  test('does not let the list of CAs grow without end', async () => {
    let bundle = first;
    for (let i = 0; i < 6; i++)
      bundle = await issue({ ...NAMES, now: NOW, previous: { ...bundle, caKey: '' } });
    expect(authoritiesOf(bundle)).toHaveLength(4);
    expect(trusts(bundle, bundle)).toBe(true);
  });

  test('a certificate that is no CA is never trusted as one', async () => {
    const previous = { ...first, caCert: first.cert + first.caCert };
    const next = await issue({ ...NAMES, now: NOW, previous });
    expect(authoritiesOf(next).every((ca) => ca.ca)).toBe(true);
    expect(next.caKey).toBe(first.caKey);
  });
});

describe('renewalDue', () => {
  test.each([
    ['a new one', 0, false],
    ['one that is half used', 45, false],
    ['one just before two thirds', 59.9, false],
    ['one just after two thirds', 60.1, true],
    ['one that has expired', 91, true],
    ['one that is not yet valid, after the clock went back', -1, true],
  ])('of %s', (_, days, due) => expect(renewalDue(first, later(days))).toBe(due));

  test('also looks at the CA, and at what cannot be read', async () => {
    const shortCa = await issue({ ...NAMES, now: NOW, caDays: 100, leafDays: 90 });
    const leaf = await issue({ ...NAMES, now: later(65), previous: shortCa, leafDays: 300 });
    expect(leaf.caKey).toBe(shortCa.caKey);
    expect(renewalDue(leaf, later(66))).toBe(false);
    expect(renewalDue(leaf, later(67))).toBe(true);
    expect(renewalDue({ ...first, cert: 'x' }, NOW)).toBe(true);
    expect(renewalDue({ ...first, caCert: '' }, NOW)).toBe(true);
  });

  test('is over once issue has been called', async () => {
    for (const days of [60.1, 91, -1, 2500, 5000]) {
      const next = await issue({ ...NAMES, now: later(days), previous: first });
      expect(renewalDue(next, later(days))).toBe(false);
    }
  });
});

describe('parseBundle', () => {
  const wanted = { ...NAMES, now: NOW };

  test('reads what secretData wrote', () => {
    expect(parseBundle(secretData(first), wanted)).toEqual({ kind: 'valid', bundle: first });
  });

  test('finds nothing in an empty Secret', () => {
    expect(parseBundle({}, wanted)).toEqual({ kind: 'invalid', code: 'Missing' });
    expect(parseBundle({ 'tls.crt': '', other: 'eA==' }, wanted)).toEqual({
      kind: 'invalid',
      code: 'Missing',
    });
  });

  const faults: [
    string,
    string,
    () => Promise<[Partial<CertificateBundle>, object?]> | [Partial<CertificateBundle>, object?],
  ][] = [
    ['a part is missing', 'Missing', () => [{ caKey: '' }]],
    ['the certificate is no PEM', 'Malformed', () => [{ cert: 'hunter2' }]],
    ['the CA is no PEM', 'Malformed', () => [{ caCert: 'hunter2' }]],
    ['the CA is no CA', 'Malformed', () => [{ caCert: first.cert }]],
    ['the key is no PEM', 'Malformed', () => [{ key: 'hunter2' }]],
    ['the key is of another certificate', 'KeyMismatch', () => [{ key: first.caKey }]],
    ['the key of the CA is of another one', 'CaKeyMismatch', () => [{ caKey: first.key }]],
    [
      'another CA signed it',
      'Untrusted',
      async () => {
        const { caCert, caKey } = await issue({ ...NAMES, now: NOW });
        return [{ caCert, caKey }];
      },
    ],
    ['it is for no server', 'NotForServers', () => [asLeaf(first)]],
    ['a name was added', 'NamesMissing', () => [{}, { dnsNames: [...NAMES.dnsNames, 'new.example'] }]],
    ['an address was added', 'NamesMissing', () => [{}, { ipAddresses: ['10.0.0.1'] }]],
    ['only a wildcard would cover the name', 'NamesMissing', () => [{}, { dnsNames: ['*.svc'] }]],
    ['it has expired', 'Expired', () => [{}, { now: later(91) }]],
    ['it is not yet valid', 'Expired', () => [{}, { now: later(-1) }]],
  ];
  test.each(faults)('says so if %s', async (_, code, make) => {
    const [parts, more] = await make();
    const bundle = { ...first, ...parts };
    const parsed = parseBundle(secretData(bundle), { ...wanted, ...more });
    expect(parsed).toEqual({ kind: 'invalid', code, previous: bundle });
  });

  test('a changed name is put right with the CA that clients already trust', async () => {
    const names = { dnsNames: ['new.example'], ipAddresses: [] };
    const parsed = parseBundle(secretData(first), { ...names, now: NOW });
    if (parsed.kind === 'valid') throw new Error('must not cover the new name');
    const next = await issue({ ...names, now: NOW, previous: parsed.previous });
    expect(next.caCert).toBe(first.caCert);
    expect(parseBundle(secretData(next), { ...names, now: NOW }).kind).toBe('valid');
  });
});

describe('a real TLS client', () => {
  let server: HttpsListening | undefined;
  afterEach(async () => {
    await server?.stop(0);
  });

  test('that trusts the CAs of a rotation connects before and after the server changes over', async () => {
    const today = new Date();
    const old = await issue({ ...NAMES, now: later(-100, today), caDays: 140 });
    const rotated = await issue({ ...NAMES, now: today, previous: old });
    expect(rotated.caKey).not.toBe(old.caKey);
    server = await startHttps({
      host: '127.0.0.1',
      port: 0,
      certificate: { cert: rotated.cert, key: rotated.key },
      routes: { 'POST /echo': ({ body }) => ({ status: 200, body }) },
      onError: () => {},
    });
    const { port } = server;
    const post = (ca: string) => call({ port, ca, body: '{}' });
    expect((await post(rotated.caCert)).status).toBe(200);
    await expect(post(old.caCert)).rejects.toThrow(/certificate|signature/);

    const stillServed = await issue({ ...NAMES, now: later(-10, today), previous: old, caDays: 140 });
    server.setCertificate(stillServed);
    expect((await post(rotated.caCert)).status).toBe(200);
  });
});

/** A bundle whose certificate is the CA's own: signed by the CA, but for no server. */
function asLeaf({ caCert, caKey }: CertificateBundle): CertificateBundle {
  return { caCert, caKey, cert: caCert, key: caKey };
}
