import { Agent } from 'node:https';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, type Answer } from '../../src/serve/test-support.ts';
import { until } from '../support/cluster.ts';
import {
  auditLines,
  KEYS,
  makeOwner,
  removePeople,
  secretKey,
  type AuditLine,
} from '../support/keys-product.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { grant } from '../support/rbac.ts';

/**
 * Attacks on the API for keys through the API server, by the owner of a domain: nobody else has as many rights there.
 * Forged headers and certificates are tried in keys-door.test.ts; hosts and credentials of integrations in
 * integrations-use.test.ts, fence.test.ts and connection-test-attacks.test.ts; what Fairlead's own identity may do in
 * keys-fence.test.ts.
 */

const DOMAIN = 'keys-attacks';
const VICTIM = 'keys-victim';
let p: Platform;
let namespace: string;
/** The attacker: a ServiceAccount, since it can send whatever it likes. */
let account: string;
let token: string;
let ca: string;
/** Where nobody must ever connect to. */
let trap: Server;
let trapped = 0;
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

beforeAll(async () => {
  p = await platform('keys-attacks', { keysApi: true });
  namespace = await p.namespace(DOMAIN);
  await p.store(DOMAIN, { a: 'own' });
  await p.store(VICTIM, { a: 'theirs' });
  await p.k.run('create', 'serviceaccount', 'attacker', '-n', namespace);
  account = `system:serviceaccount:${namespace}:attacker`;
  const subject = { kind: 'ServiceAccount', name: 'attacker', namespace } as const;
  await makeOwner(p, subject, DOMAIN, namespace);
  const namespaces = { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'update', 'patch'] };
  await grant(p.k, 'relabel', subject, [namespaces], namespace);
  token = (await p.k.run('create', 'token', 'attacker', '-n', namespace, '--duration=1h')).trim();
  ca = await readFile(p.cluster.caFile, 'utf8');
  trap = createServer((socket) => {
    trapped += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(trap, 'listening');
  await until('the rights', async () => (await send('POST', keys('?dryRun=All'), own('x'))).status === 201);
});
afterAll(async () => {
  agent.destroy();
  trap?.close();
  if (p) await removePeople(p);
  await p?.stop();
});

const base = `/apis/${KEYS}`;
const keys = (rest = '') => `${base}/namespaces/${namespace}/secretkeys${rest}`;
const own = (key: string, value = 'x') => secretKey(namespace, `kubernetes:${DOMAIN}:${key}`, value);

/** A request as it is, past everything that kubectl would refuse to send. */
async function send(method: string, path: string, body?: object | string): Promise<Answer> {
  return call({
    ...{ port: Number(new URL(p.cluster.server).port), ca, servername: 'kubernetes', agent, method, path },
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}
const stores = async () =>
  Promise.all(
    [DOMAIN, VICTIM].map(async (id) => (await p.k.get('secret', SYSTEM, `iomete-secret-store-${id}`)).data),
  );
/** Lines of the attacker since there were so many of all. */
async function linesSince(count: number): Promise<readonly AuditLine[]> {
  return (await auditLines(p)).slice(count).filter(({ actor }) => actor?.name === account);
}

/** Done by `work`: both stores stay as they are, and the audit gets a refusal like this. */
async function refusedAndAudited(work: () => Promise<void>, like: object): Promise<void> {
  const [before, count] = [await stores(), (await auditLines(p)).length];
  await work();
  expect(await stores()).toEqual(before);
  await until('the audit to have it', async () => {
    const lines = await linesSince(count);
    expect(lines).toContainEqual(expect.objectContaining({ outcome: 'refused', ...like }));
    return true;
  });
}

describe('a ConnectionTest', () => {
  const at = (url: string | undefined) => Number(new URL(url ?? '').port);
  it.each<[string, () => string]>([
    ['the API server', () => p.cluster.server],
    ['the API server by another name', () => `https://localhost:${at(p.cluster.server)}`],
    ['the API server by its name in the cluster', () => 'https://kubernetes.default.svc'],
    ['the metadata of a cloud', () => 'http://169.254.169.254'],
    ['another link-local address', () => 'https://[fe80::1]:8200'],
    ["the API for keys' own port", () => `https://127.0.0.1:${p.fairlead.keysPort}`],
    ['the port of the webhook', () => `https://127.0.0.1:${p.fairlead.webhookPort}`],
    ['the port of health and metrics', () => p.fairlead.process('keys').health],
    ['a port of the machine', () => `http://127.0.0.1:${(trap.address() as AddressInfo).port}`],
    ['the same, written in another way', () => `http://0x7f.1:${(trap.address() as AddressInfo).port}`],
    ['the same, as IPv6', () => `http://[::ffff:127.0.0.1]:${(trap.address() as AddressInfo).port}`],
  ])('against %s is refused', async (_, host) => {
    const integration = { host: host(), path: 'secret/data/x', auth: { token: { token: 'planted' } } };
    const test = { apiVersion: KEYS, kind: 'ConnectionTest', metadata: { namespace }, spec: { integration } };
    await refusedAndAudited(
      async () => {
        const { status, text } = await until('a place for the test', async () => {
          const answer = await send('POST', `${base}/namespaces/${namespace}/connectiontests`, test);
          return answer.status !== 429 && answer;
        });
        const told = JSON.parse(text);
        if (status === 201) expect(told.status).toMatchObject({ ok: false, reason: 'NotSupportedHere' });
        else expect([status, told.reason]).toEqual([422, 'Invalid']);
        expect(text).not.toContain('planted');
      },
      { action: 'test-connection', reason: 'NotSupportedHere' },
    );
    expect(trapped).toBe(0);
  });
});

describe('the name of a key', () => {
  const long = 'k'.repeat(300);
  it.each<[string, string]>([
    ['dots', `kubernetes:${DOMAIN}:..`],
    ['a path upwards', `kubernetes:${DOMAIN}:../${VICTIM}`],
    ['a slash', `kubernetes:${DOMAIN}:a/b`],
    ['an encoded slash', `kubernetes:${DOMAIN}:a%2fb`],
    ['a NUL', `kubernetes:${DOMAIN}:a\0b`],
    ['a line end', `kubernetes:${DOMAIN}:a\nb`],
    ['letters that no Secret takes', `kubernetes:${DOMAIN}:ключ`],
    ['letters that look like others', `kubernetes:${DOMAIN}:а`],
    ['300 characters', `kubernetes:${DOMAIN}:${long}`],
    ['a path in its domain', `kubernetes:../${VICTIM}:a`],
    ['a NUL in its domain', `kubernetes:${DOMAIN}\0:a`],
    ['another kind of source', `secret:${VICTIM}:a`],
    ['nothing in it', 'kubernetes::'],
  ])('with %s is refused, in a body and in a path', async (_, name) => {
    await refusedAndAudited(
      async () => {
        const { status, text } = await send('POST', keys(), secretKey(namespace, name, 'planted'));
        expect([status, JSON.parse(text).reason]).toEqual([422, 'Invalid']);
        expect(text).not.toContain('planted');
      },
      { action: 'write-key', namespace, reason: 'Invalid' },
    );
    const before = await stores();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const path = keys(`/${encodeURIComponent(name)}`);
      const body = method === 'PUT' ? secretKey(namespace, name, 'planted') : undefined;
      const { status, text } = await send(method, path, body);
      expect([method, status, [301, 400, 403, 404, 405, 422].includes(status)]).toEqual([
        method,
        status,
        true,
      ]);
      expect(text).not.toContain('planted');
    }
    expect(await stores()).toEqual(before);
  });

  it.each<[string, string, string]>([
    ['a NUL', `/kubernetes:${DOMAIN}:a%00`, 'BadRequest'],
    ['an escape', `/kubernetes:${DOMAIN}:%1b%5b2J`, 'BadRequest'],
    ['a percent sign', `/kubernetes:${DOMAIN}:a%252fb`, 'NameInvalid'],
    ['no domain', '/a', 'NameInvalid'],
    ["another domain's store", `/kubernetes:${VICTIM}:a`, 'DomainForbidden'],
  ])('with %s in a path is in the audit', async (_, rest, reason) => {
    await refusedAndAudited(
      async () => {
        const { status } = await send('DELETE', keys(rest));
        expect([400, 403, 404]).toContain(status);
      },
      { action: 'delete-key', reason },
    );
  });

  it.each([
    '/%2e%2e/secrets',
    '/../secrets',
    '/..%2f..%2fsecrets',
    '//',
    '/a/../../secrets',
    '/%2e%2e%2f%2e%2e',
  ])('as a way to something else, %s, leads nowhere', async (rest) => {
    for (const method of ['GET', 'DELETE']) {
      const { status, text } = await send(method, keys(rest));
      expect([method, status >= 300, text.includes('SecretList')]).toEqual([method, true, false]);
    }
  });
});

describe('a body', () => {
  it.each([1_600_000, 12_000_000])('of %i bytes is refused', async (bytes) => {
    await refusedAndAudited(
      async () => {
        // The server may have hung up before all of it is sent.
        const answer = await send('POST', keys(), own('large', 'x'.repeat(bytes))).catch(() => undefined);
        expect(answer?.status ?? 413).toBe(413);
      },
      { action: 'write-key', namespace, reason: 'RequestEntityTooLarge' },
    );
  });
});

describe("another domain's store", () => {
  it('is not written by its name', async () => {
    await refusedAndAudited(
      async () => {
        const { status, text } = await send(
          'POST',
          keys(),
          secretKey(namespace, `kubernetes:${VICTIM}:b`, 'x'),
        );
        expect([status, text]).toEqual([403, expect.stringContaining('is not open to domain')]);
      },
      { action: 'write-key', reason: 'DomainForbidden' },
    );
  });

  it('is not reached by relabelling the namespace, and not written even if an administrator does that', async () => {
    const path = `/api/v1/namespaces/${namespace}`;
    const live = JSON.parse((await send('GET', path)).text);
    const labels = { ...live.metadata.labels, 'fairlead.dev/domain': VICTIM };
    const moved = { ...live, metadata: { ...live.metadata, labels } };
    const { status, text } = await send('PUT', path, moved);
    expect([status, text]).toEqual([422, expect.stringContaining('needs the permission to assign')]);
    await p.k.run('label', 'namespace', namespace, `fairlead.dev/domain=${VICTIM}`, '--overwrite');
    try {
      await refusedAndAudited(
        async () => {
          const answer = await send('POST', keys(), secretKey(namespace, `kubernetes:${VICTIM}:b`, 'x'));
          expect([answer.status, answer.text]).toEqual([
            403,
            expect.stringContaining('the verb write on domains'),
          ]);
        },
        { action: 'write-key', reason: 'WriteForbidden' },
      );
    } finally {
      await p.k.run('label', 'namespace', namespace, `fairlead.dev/domain=${DOMAIN}`, '--overwrite');
    }
  });
});

describe('a thousand requests at once', () => {
  it('of one user are refused in the end, and others are served meanwhile', async () => {
    await refusedAndAudited(
      async () => {
        // Of a key that is there: refusals of a namespace have a share in the audit, which others must not use up first.
        const path = keys(`/kubernetes:${DOMAIN}:a`);
        const flood = Array.from({ length: 1000 }, async () => (await send('GET', path)).status);
        const { stdout } = await p.k.both(['get', 'secretkeys', '-n', namespace]);
        expect(stdout).toContain(DOMAIN);
        const codes = Map.groupBy(await Promise.all(flood), (status) => status);
        expect(new Set(codes.keys())).toEqual(new Set([200, 429]));
      },
      { action: 'list-keys', reason: 'TooManyRequests' },
    );
    await until('it to be served again', async () => (await send('GET', keys())).status === 200);
  });
});

it('no refusal has said what was to be written', async () => {
  expect(await p.logs()).not.toMatch(/planted|x{100}/);
});
