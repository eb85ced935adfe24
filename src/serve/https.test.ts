import { Agent } from 'node:https';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { startHttps, type HttpsOptions, type ServeProblem } from './https.ts';
import { handshake, startEcho, stopServers, untilClosed } from './test-support.ts';

const CANARY = 'hunter2';
let problems: readonly ServeProblem[] = [];

afterEach(stopServers);

async function start(routes: HttpsOptions['routes'] = {}, limits: HttpsOptions['limits'] = {}) {
  const started = await startEcho(routes, limits);
  problems = started.problems;
  return started;
}

describe('a request', () => {
  test('is answered by the handler of its route, as JSON', async () => {
    const { post } = await start();
    const answer = await post({ body: '{"a":["ü",1]}', path: '/echo?timeout=5s' });
    expect(answer).toMatchObject({ status: 200, text: '{"a":["ü",1]}' });
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  });

  test.each([
    ['application/json; charset=utf-8', 200],
    ['Application/JSON;charset=UTF-8', 200],
    ['application/json; charset=latin1', 415],
    ['text/plain', 415],
    ['application/jsonp', 415],
    ['', 415],
  ])('with the content type %j gets %i', async (type, status) => {
    const { post } = await start();
    expect((await post({ body: '{}', headers: { 'content-type': type } })).status).toBe(status);
  });

  test.each([
    ['an unknown path', { path: `/${CANARY}` }, 404],
    ['a path that is a property of objects', { path: '/constructor' }, 404],
    ['a route with something behind it', { path: '/echo/' }, 404],
    ['an absolute URL', { path: 'https://localhost/echo' }, 404],
    ['another method', { method: 'PUT' }, 405],
    ['GET', { method: 'GET' }, 405],
    ['an encoded body', { headers: { 'content-encoding': 'gzip' } }, 415],
    ['no body', {}, 400],
    ['broken JSON', { body: `{"password":"${CANARY}",` }, 400],
    ['JSON with something behind it', { body: `{} ${CANARY}` }, 400],
    ['bytes that are no UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }, 400],
  ])('with %s gets a short answer that quotes nothing', async (_, more, status) => {
    const { post } = await start();
    const answer = await post(more);
    expect(answer.status).toBe(status);
    expect(Object.keys(JSON.parse(answer.text))).toEqual(['message']);
    expect(answer.text.length).toBeLessThan(80);
    expect(answer.text + JSON.stringify(answer.headers)).not.toContain(CANARY);
    expect(answer.headers.allow).toBe(status === 405 ? 'POST' : undefined);
    expect(problems).toEqual([]);
  });

  test('that is no HTTP is answered with 400 and nothing of it', async () => {
    const { port, ca } = await start();
    const socket = await handshake(port, ca);
    socket.write(`${CANARY}\r\n\r\n`);
    const text = await untilClosed(socket);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).not.toContain(CANARY);
  });

  test('can be followed by another on the same connection', async () => {
    const { post } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const path of ['/echo', '/nowhere', '/echo'])
      expect((await post({ agent, path, body: '{}' })).headers.connection).toBe('keep-alive');
    agent.destroy();
  });
});

describe('a body that is too large', () => {
  const limits = { bodyBytes: 100_000 };

  test('of a known length is refused before it has arrived', async () => {
    const { post } = await start({}, limits);
    const answer = await post({
      body: (write: (s: string) => void) => write('['),
      headers: { 'content-length': 100_001 },
    });
    expect(answer).toMatchObject({ status: 413, text: '{"message":"the body is too large"}' });
  });

  test('of unknown length is refused while it arrives, and the answer can be read', async () => {
    const { post } = await start({}, limits);
    expect((await post({ body: sender(' '.repeat(50_000), 40) })).status).toBe(413);
    expect((await post({ body: JSON.stringify('x'.repeat(99_998)) })).status).toBe(200);
  });

  test('leaves the connection usable', async () => {
    const { post } = await start({}, limits);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await post({ agent, body: 'x'.repeat(300_000) })).status).toBe(413);
    expect((await post({ agent, body: '{}' })).status).toBe(200);
    agent.destroy();
  });

  test('8 MiB is the limit if nothing else is said', async () => {
    const { post } = await start();
    const text = JSON.stringify('x'.repeat(8 * 1024 * 1024 - 2));
    expect((await post({ body: text })).status).toBe(200);
    expect((await post({ body: `${text} ` })).status).toBe(413);
  });

  test('many at the same time are refused before they fill the memory, and the budget comes back', async () => {
    const { post } = await start({}, { bufferedBytes: 50_000 });
    expect((await post({ body: JSON.stringify('x'.repeat(60_000)) })).status).toBe(503);
    expect(problems).toEqual([{ code: 'TooBusy', route: 'POST /echo' }]);
    for (let i = 0; i < 5; i++)
      expect((await post({ body: JSON.stringify('x'.repeat(40_000)) })).status).toBe(200);
  });
});

describe('a slow client', () => {
  test('that does not finish its body is told so and cut off', async () => {
    const { post } = await start({}, { deadlineMs: 100 });
    const answer = await post({ body: (write: (s: string) => void) => write('{') });
    expect(answer).toMatchObject({ status: 408, headers: { connection: 'close' } });
  });

  test('that does not finish its headers is cut off', async () => {
    const { port, ca } = await start({}, { headersMs: 100 });
    const socket = await handshake(port, ca);
    socket.write('POST /echo HTTP/1.1\r\nX-Slow: ');
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('that says nothing after the handshake is cut off', async () => {
    const { port, ca } = await start({}, { headersMs: 100 });
    await untilClosed(await handshake(port, ca));
  });

  test('that does not shake hands is cut off', async () => {
    const { port } = await start({}, { handshakeMs: 100 });
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'close');
    expect(problems).toEqual([expect.objectContaining({ code: 'TlsClientError' })]);
  });
});

describe('a handler', () => {
  test('that throws is answered with 500 without detail, and reported by code only', async () => {
    const { post } = await start({
      'POST /throws': () => {
        throw new TypeError(`cannot read ${CANARY}`);
      },
      'POST /rejects': () => Promise.reject(Object.assign(new Error(CANARY), { code: 'ECONNRESET' })),
      'POST /odd': () => Promise.reject(Object.assign(new Error(CANARY), { code: `say ${CANARY}` })),
    });
    for (const path of ['/throws', '/rejects', '/odd'])
      expect(await post({ path, body: '{}' })).toMatchObject({
        status: 500,
        text: '{"message":"internal error"}',
      });
    expect(problems).toEqual([
      { code: 'HandlerFailed', route: 'POST /throws', error: 'TypeError' },
      { code: 'HandlerFailed', route: 'POST /rejects', error: 'ECONNRESET' },
      { code: 'HandlerFailed', route: 'POST /odd', error: 'Error' },
    ]);
  });

  test('whose answer is no JSON costs its connection, and is reported', async () => {
    const { post } = await start({ 'POST /bigint': () => ({ status: 200, body: 1n }) });
    await expect(post({ path: '/bigint', body: '{}' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(problems).toEqual([{ code: 'ServerError', error: 'TypeError' }]);
  });

  test('that is too slow is answered for, and its signal ends', async () => {
    const aborted = Promise.withResolvers<void>();
    const { post } = await start(
      {
        'POST /slow': ({ signal }) => {
          signal.addEventListener('abort', () => aborted.resolve());
          return new Promise(() => {});
        },
      },
      { deadlineMs: 50 },
    );
    expect(await post({ path: '/slow', body: '{}' })).toMatchObject({ status: 504 });
    await aborted.promise;
    expect(problems).toEqual([{ code: 'DeadlineExceeded', route: 'POST /slow' }]);
  });

  test('is told when the client goes away, and that is no problem to report', async () => {
    const running = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const { post } = await start({
      'POST /slow': ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve());
        running.resolve();
        return new Promise(() => {});
      },
    });
    const agent = new Agent({ keepAlive: true });
    const answer = post({ path: '/slow', body: '{}', agent });
    const gone = expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' });
    await running.promise;
    agent.destroy();
    await gone;
    await aborted.promise;
    expect(problems).toEqual([]);
  });
});

test('a server that retires answers everything, and lets go of each connection with the next answer', async () => {
  const { server, post } = await startEcho();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await post({ body: '{}', agent });
  server.retire();
  const last = await post({ body: '{}', agent });
  const onNewConnection = await post({ body: '{}' });
  expect([before, last, onNewConnection].map(({ status, headers }) => [status, headers.connection])).toEqual([
    [200, 'keep-alive'],
    [200, 'close'],
    [200, 'close'],
  ]);
  await server.stop(0);
  await expect(post({ body: '{}' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  agent.destroy();
});

test('an address that is taken is refused', async () => {
  const { port, bundle } = await start();
  const options = { host: '127.0.0.1', port, certificate: bundle, routes: {}, onError: () => {} };
  await expect(startHttps(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

/** Writes a chunk several times, then ends. */
function sender(chunk: string, times: number) {
  return (write: (chunk: string) => void, end: () => void) => {
    for (let i = 0; i < times; i++) write(chunk);
    end();
  };
}
