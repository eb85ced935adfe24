import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority, issue as issueFor, type Authority, type Issued } from '../../hack/cluster/pki.ts';
import { OPEN, startHttps, type HttpsListening, type HttpsOptions, type ServeProblem } from './https.ts';
import type { OpenHandler, OpenRequest } from './open.ts';
import { call, localhost, type CallOptions } from './test-support.ts';

let authority: Authority;
let client: Issued;
let stranger: Issued;
beforeAll(async () => {
  authority = await createAuthority('clients');
  client = await issueFor(authority, { commonName: 'client', usage: ['client'] });
  stranger = await issueFor(await createAuthority('clients'), { commonName: 'client', usage: ['client'] });
});

let server: HttpsListening | undefined;
afterEach(async () => {
  await server?.stop(0);
});

async function start(open: OpenHandler, limits: HttpsOptions['limits'] = {}) {
  const bundle = await localhost();
  const problems: ServeProblem[] = [];
  server = await startHttps({
    ...{ host: '127.0.0.1', port: 0, certificate: bundle, limits, open, clientCa: authority.cert },
    routes: { 'POST /echo': ({ body }) => ({ status: 200, body }) },
    onError: (problem) => problems.push(problem),
  });
  const { port } = server;
  const send = (more: Partial<CallOptions>) =>
    call({ port, ca: bundle.caCert, method: 'GET', path: '/x', ...more });
  return { send, problems };
}

const show: OpenHandler = async ({ method, url, headers, peer, hasBody }: OpenRequest) => ({
  status: 200,
  body: { method, url, peer: peer?.subject ?? null, hasBody, x: headers['x-a'] ?? null },
  headers: { Warning: ['299 - "a"', '299 - "b"'] },
});

describe('what no route is for', () => {
  test('comes as it was sent, with repeated headers apart, and answers have headers', async () => {
    const { send } = await start(show);
    const answer = await send({ path: '/a%2fb?c=d', headers: { 'x-a': ['1', '2, 3'] } });
    expect(JSON.parse(answer.text)).toMatchObject({
      method: 'GET',
      url: '/a%2fb?c=d',
      x: ['1', '2, 3'],
      hasBody: false,
    });
    expect(answer.headers['warning']).toBe('299 - "a", 299 - "b"');
    const put = await send({ method: 'PUT', body: '{}' });
    expect(JSON.parse(put.text)).toMatchObject({ method: 'PUT', hasBody: true });
  });

  test('leaves the routes as they are', async () => {
    const { send } = await start(show);
    expect(await send({ method: 'POST', path: '/echo', body: '[1]' })).toMatchObject({
      status: 200,
      text: '[1]',
    });
  });

  test('has a certificate only if the authority vouches for it', async () => {
    const { send } = await start(show);
    const peer = async (pair?: Issued) =>
      JSON.parse((await send({ cert: pair?.cert, key: pair?.key })).text).peer as unknown;
    expect([await peer(client), await peer(stranger), await peer()]).toEqual(['CN=client', null, null]);
  });

  test('is asked for certificates of another authority from the next connection on', async () => {
    const { send } = await start(show);
    const other = await createAuthority('others');
    const pair = await issueFor(other, { commonName: 'other', usage: ['client'] });
    server?.setClientCa(other.cert);
    const peer = async ({ cert, key }: Issued) =>
      JSON.parse((await send({ cert, key })).text).peer as unknown;
    expect([await peer(client), await peer(pair)]).toEqual([null, 'CN=other']);
    server?.setCertificate(await localhost({ now: new Date() }));
    await expect(send({})).rejects.toThrow(/self-signed|verify|certificate/);
  });

  test('reads its body, or is told why it cannot', async () => {
    const bodies = async ({ readJson }: OpenRequest) => ({ status: 200, body: await readJson() });
    const { send } = await start(bodies, { bodyBytes: 10 });
    const kind = async (body: string) => JSON.parse((await send({ method: 'POST', body })).text) as unknown;
    expect(await kind('{"a":1}')).toEqual({ kind: 'json', value: { a: 1 } });
    expect(await kind('{"a":"too long"}')).toMatchObject({ kind: 'refused', status: 413 });
    expect(await kind('{"a"')).toMatchObject({ kind: 'refused', status: 400 });
  });

  test('that fails or takes too long is answered, and told without a path', async () => {
    const failing: OpenHandler = async ({ url, signal }) => {
      if (url === '/fail') throw new TypeError('hunter2');
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('late')));
      });
    };
    const { send, problems } = await start(failing, { deadlineMs: 50 });
    expect((await send({ path: '/fail' })).status).toBe(500);
    expect((await send({ path: '/slow' })).status).toBe(504);
    expect(problems).toEqual([
      { code: 'HandlerFailed', route: OPEN, error: 'TypeError' },
      { code: 'DeadlineExceeded', route: OPEN },
    ]);
  });

  test('may have long headers where that is allowed', async () => {
    const headers = { 'x-a': 'x'.repeat(20_000) };
    const { send } = await start(show, { headerBytes: 64 * 1024 });
    expect((await send({ headers })).status).toBe(200);
  });
});
