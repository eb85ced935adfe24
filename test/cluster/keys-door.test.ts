// @peculiar/x509 needs it to be loaded first.
import 'reflect-metadata';
import type { OutgoingHttpHeaders } from 'node:http';
import { Agent } from 'node:https';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { createAuthority, issue, readPki, type Authority, type Issued } from '../../hack/cluster/pki.ts';
import { call, type Answer } from '../../src/serve/test-support.ts';
import { scratch, until } from '../support/cluster.ts';
import { servePlaceholder, type RunningPlaceholder } from '../support/keys-placeholder.ts';
import { platform, SYSTEM, type Platform } from '../support/platform.ts';
import { grant } from '../support/rbac.ts';

/** The port of the API for keys, reached past kube-apiserver, as anybody on the network can. */

let p: Platform;
let dir: string;
let held: RunningPlaceholder;
let namespace: string;
let ca: string;
/** kube-apiserver's own certificate, and those that an attacker might have. */
let proxy: Issued;
let otherName: Issued;
let forServers: Issued;
let otherCa: Issued;

beforeAll(async () => {
  p = await platform('keys-door', { keysApi: 'unserved' });
  dir = await scratch('keys-door');
  held = await servePlaceholder(p, dir);
  namespace = await p.namespace('keys-door');
  const rules = [{ apiGroups: ['keys.fairlead.dev'], resources: ['placeholders'], verbs: ['*'] }];
  await grant(p.k, 'writer', { kind: 'User', name: 'writer' }, rules, namespace);
  const secret = await p.k.get('secret', SYSTEM, 'fairlead-keys-cert');
  ca = Buffer.from(secret.data['ca.crt'], 'base64').toString();
  const cluster = inject('clusterDir');
  proxy = readPki(cluster, 'front-proxy-client');
  const frontProxy = await authority(readPki(cluster, 'front-proxy-ca'));
  otherName = await issue(frontProxy, { commonName: 'somebody', usage: ['client'] });
  forServers = await issue(frontProxy, { commonName: 'front-proxy-client', usage: ['server'] });
  const own = await createAuthority('fairlead-front-proxy');
  otherCa = await issue(own, { commonName: 'front-proxy-client', usage: ['client'] });
});
afterAll(async () => {
  await held?.stop();
  await p?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function authority({ cert, key }: Issued): Promise<Authority> {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
  const certificate = new x509.X509Certificate(cert);
  const publicKey = await certificate.publicKey.export(algorithm, ['verify'], webcrypto as never);
  return { cert, key, certificate, keys: { privateKey, publicKey } };
}

const path = (rest = '') => `/apis/keys.fairlead.dev/v1alpha1/namespaces/${namespace}/placeholders${rest}`;
const writer = { 'x-remote-user': 'writer', 'x-remote-group': 'system:authenticated' };

async function ask(
  who: Issued | undefined,
  more: { headers?: OutgoingHttpHeaders; method?: string; path?: string; body?: string; agent?: Agent } = {},
): Promise<Answer & { readonly json: { reason?: string; message?: string; items?: unknown[] } }> {
  const answer = await call({
    ...{ port: p.fairlead.keysPort ?? 0, ca, servername: `fairlead-keys.${SYSTEM}.svc` },
    ...{ cert: who?.cert, key: who?.key, method: 'GET', path: path() },
    ...more,
    headers: { ...writer, ...more.headers },
  });
  return { ...answer, json: JSON.parse(answer.text) };
}

describe('a caller', () => {
  it('is believed with the certificate of the front proxy', async () => {
    const answer = await ask(proxy);
    expect([answer.status, answer.json.items]).toEqual([200, []]);
    expect(held.requests.at(-1)?.caller.user).toBe('writer');
  });

  it.each<[string, () => Issued | undefined]>([
    ['without a certificate', () => undefined],
    ['with a certificate of another authority of the same name', () => otherCa],
    ['with the right authority and the wrong name', () => otherName],
    ['with a certificate that is for servers', () => forServers],
    [
      'with the certificate of the API server as a client of kubelets',
      () => readPki(inject('clusterDir'), 'apiserver-kubelet-client'),
    ],
  ])('%s is nobody, whatever the headers say, and that is in the audit', async (_, who) => {
    const before = held.requests.length;
    for (const name of ['writer', 'system:apiserver', 'kubernetes-admin']) {
      const headers = { 'x-remote-user': name, 'x-remote-group': 'system:masters' };
      const answer = await ask(who(), { headers });
      expect([answer.status, answer.json.reason]).toEqual([401, 'Unauthorized']);
      expect(answer.headers.connection).toBe('close');
    }
    for (const other of ['/apis', '/openapi/v3', '/apis/keys.fairlead.dev/v1alpha1'])
      expect((await ask(who(), { path: other })).status).toBe(401);
    expect((await ask(who(), { path: '/healthz' })).status).toBe(200);
    expect(held.requests).toHaveLength(before);
    await until('the refusal in the audit', async () => {
      const lines = readFileSync(join(dir, 'audit.log'), 'utf8').trim().split('\n');
      const last = JSON.parse(lines.findLast((line) => line.includes('Unauthorized')) ?? '{}');
      return last.outcome === 'refused' && last.actor.name === 'system:anonymous';
    });
  });

  it.each<[string, OutgoingHttpHeaders]>([
    ['a name in two headers', { 'x-remote-user': ['writer', 'system:apiserver'] }],
    ['an empty name', { 'x-remote-user': '' }],
  ])('with %s is nobody', async (_, headers) => {
    expect((await ask(proxy, { headers })).status).toBe(401);
  });

  it('has groups that are never split', async () => {
    await ask(proxy, { headers: { 'x-remote-group': ['a, system:masters', 'b'] } });
    expect(held.requests.at(-1)?.caller.groups).toEqual(['a, system:masters', 'b']);
  });
});

describe('a request', () => {
  it.each<[string, Parameters<typeof ask>[1], number]>([
    ['for what is not there', { path: '/apis/keys.fairlead.dev/v1alpha1/nothing' }, 404],
    ['with an encoded slash', { path: path('/a%2fb') }, 400],
    ['with dots', { path: path('/%2e%2e') }, 400],
    ['with a control character', { path: path('/a%00b') }, 400],
    ['for a form that nobody has', { headers: { accept: 'application/yaml' } }, 406],
    [
      'with a body of another type',
      { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } },
      415,
    ],
    ['with a body that is no JSON', { method: 'POST', body: '{"a":' }, 400],
    ['with a misspelled dry run', { method: 'POST', body: '{}', path: path('?dryRun=true') }, 400],
    ['with a body of 1.6 MB', { method: 'POST', body: `{"a":"${'x'.repeat(1_600_000)}"}` }, 413],
    ['that patches', { method: 'PATCH', body: '{}', path: path('/a') }, 405],
    ['that deletes a collection', { method: 'DELETE' }, 405],
    ['in a namespace that it may not see', { path: path().replace(namespace, 'default') }, 403],
  ])('%s is answered with a Status', async (_, more, status) => {
    const answer = await ask(proxy, more);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      status,
      { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status },
    ]);
  });

  it('of one user who sends a thousand in a second is refused, and nobody else is', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 32, cert: proxy.cert, key: proxy.key, ca });
    const headers = { 'x-remote-user': 'flood' };
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async () => ask(proxy, { headers, agent, path: '/apis' })),
    );
    const codes = Map.groupBy(answers, ({ status }) => status);
    expect([...codes.keys()].sort((a, b) => a - b)).toEqual([200, 429]);
    expect(codes.get(429)?.[0]?.headers['retry-after']).toBe('1');
    expect((await ask(proxy)).status).toBe(200);
    agent.destroy();
  });
});

describe('what kube-apiserver publishes', () => {
  const published = ['configmap', 'extension-apiserver-authentication', '-n', 'kube-system'];
  const names = async (text: string) =>
    p.k.run(
      'patch',
      ...published,
      '--type=merge',
      '-p',
      JSON.stringify({ data: { 'requestheader-allowed-names': text } }),
    );

  it('is believed as it is now: without names nobody is let in', async () => {
    try {
      await names('[]');
      await until('nobody to be believed', async () => (await ask(proxy)).status === 401);
      await names('["somebody"]');
      await until('the new name to be believed', async () => (await ask(otherName)).status === 200);
      expect((await ask(proxy)).status).toBe(401);
    } finally {
      await names('["front-proxy-client"]');
    }
    await until('the front proxy to be believed', async () => (await ask(proxy)).status === 200);
  });
});

describe('the fence', () => {
  const file = new URL('../../config/policies/fence-keys.yaml', import.meta.url).pathname;

  it('that does not stand keeps everything but documents from being served', async () => {
    await p.k.run('delete', 'validatingadmissionpolicybinding', 'fairlead-fence-keys');
    await until('503', async () => (await ask(proxy)).status === 503);
    const answer = await ask(proxy);
    expect(answer.json).toMatchObject({
      reason: 'ServiceUnavailable',
      message: expect.stringContaining('policies'),
    });
    expect((await ask(proxy, { path: '/apis/keys.fairlead.dev/v1alpha1' })).status).toBe(200);
    await p.k.run(
      'apply',
      '--server-side',
      '--force-conflicts',
      '--field-manager=fairlead-install',
      '-f',
      file,
    );
    await until('it to be served again', async () => (await ask(proxy)).status === 200);
  });
});
