import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { KubeError } from '../../kube/errors.ts';
import { Http, warningTexts } from './http.ts';

const running: Server[] = [];
afterEach(() => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  running.push(server);
  await once(server, 'listening');
  return server;
}
const portOf = (server: Server) => (server.address() as AddressInfo).port;

function http(server: string, more: { proxy?: string; timeoutMs?: number; warnings?: string[] } = {}): Http {
  const identity = { tls: { rejectUnauthorized: true }, headers: { authorization: 'Bearer t' } };
  const { proxy, timeoutMs = 5_000, warnings = [] } = more;
  return new Http({
    server,
    proxy,
    timeoutMs,
    identity,
    userAgent: 'test',
    onWarning: (text) => warnings.push(text),
  });
}
const asked = { method: 'GET', path: '/api', call: 'get things' } as const;
const errorOf = async (promise: Promise<unknown>): Promise<KubeError> =>
  promise.then(
    () => {
      throw new Error('no error');
    },
    (error: unknown) => error as KubeError,
  );

describe('a request', () => {
  it('carries identity, query and body, below the path of the server', async () => {
    const seen: unknown[] = [];
    const server = await serve((request, response) => {
      const { method, url, headers } = request;
      seen.push([method, url, headers.authorization, headers['content-type'], headers['user-agent']]);
      request.pipe(response);
    });
    const client = http(`http://127.0.0.1:${portOf(server)}/prefix/`);
    const query = { limit: 5, fieldSelector: 'a=b,c=d', continue: undefined };
    expect(await client.request({ ...asked, method: 'POST', query, body: { a: 'ü' } })).toEqual({ a: 'ü' });
    expect(seen).toEqual([
      ['POST', '/prefix/api?limit=5&fieldSelector=a%3Db%2Cc%3Dd', 'Bearer t', 'application/json', 'test'],
    ]);
    client.close();
  });

  it('shows warnings of an answer and of a refusal', async () => {
    const warnings: string[] = [];
    const server = await serve((_, response) => {
      response.statusCode = 403;
      response.setHeader('warning', ['299 - "one, \\"two\\""', '299 - "three"']);
      response.end(JSON.stringify({ kind: 'Status', reason: 'Forbidden', message: 'no', code: 403 }));
    });
    const client = http(`http://127.0.0.1:${portOf(server)}`, { warnings });
    const error = await errorOf(client.request(asked));
    expect(error).toMatchObject({ code: 'Forbidden', status: 403, serverMessage: 'no' });
    expect(warnings).toEqual(['one, "two"', 'three']);
    client.close();
  });

  it.each([
    ['text instead of JSON', 200, 'BadResponse'],
    ['a page of a proxy', 502, 'ServerError'],
  ])('that gets %s is refused', async (_, status, code) => {
    const server = await serve((_request, response) => response.writeHead(status).end('<s3cr3t>'));
    const client = http(`http://127.0.0.1:${portOf(server)}`);
    const error = await errorOf(client.request(asked));
    expect(error).toMatchObject({ code });
    expect(error.message).not.toContain('s3cr3t');
    client.close();
  });

  it('ends when its time is over, and when nobody is there', async () => {
    const server = await serve(() => undefined);
    const slow = http(`http://127.0.0.1:${portOf(server)}`, { timeoutMs: 50 });
    expect(await errorOf(slow.request(asked))).toMatchObject({ code: 'Timeout' });
    slow.close();
    const port = portOf(server);
    server.closeAllConnections();
    await new Promise((done) => void server.close(done));
    expect(await errorOf(http(`http://127.0.0.1:${port}`).request(asked))).toMatchObject({
      code: 'Unreachable',
    });
  });

  it('goes through the proxy of the kubeconfig', async () => {
    const target = await serve((_, response) => response.end('{"ok":true}'));
    const proxy = await serve(() => undefined);
    const logins: (string | undefined)[] = [];
    proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
      logins.push(request.headers['proxy-authorization']);
      const [host = '', port] = (request.url ?? '').split(':');
      const through = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 ok\r\n\r\n');
        through.pipe(socket).pipe(through);
      });
    });
    const client = http(`http://127.0.0.1:${portOf(target)}`, {
      proxy: `http://u:p@127.0.0.1:${portOf(proxy)}`,
    });
    expect(await client.request(asked)).toEqual({ ok: true });
    expect(logins).toEqual([`Basic ${Buffer.from('u:p').toString('base64')}`]);
    client.close();
  });

  it.each([
    ['a server that is none', 'x', undefined],
    ['another protocol', 'ftp://x', undefined],
    ['another proxy', 'https://x', 'socks5://y:p4ss@z'],
  ])('is not made for %s', (_, server, proxy) => {
    expect(() => http(server, { ...(proxy && { proxy }) })).toThrow(KubeError);
  });
});

it.each([
  ['299 - "a"', ['a']],
  ['299 fairlead "a", 299 - "b\\\\c"', ['a', 'b\\c']],
  ['nonsense', []],
])('the warning %j says %j', (header, texts) => {
  expect(warningTexts(header)).toEqual(texts);
});
