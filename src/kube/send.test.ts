import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { inspect } from 'node:util';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeError } from './errors.ts';
import { send, type SendOptions } from './send.ts';
import { openStream } from './stream.ts';

let server: Server;
let sockets: Set<Socket>;
let agent: Agent;
let origin: string;
let answer: Answer;
type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

beforeEach(async () => {
  sockets = new Set();
  server = createServer((request, response) => void answer(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  agent = new Agent({ connections: 2, allowH2: false, pipelining: 1 });
});

afterEach(async () => {
  await agent.destroy();
  server.close();
  server.closeAllConnections();
});

const get = { method: 'GET', path: '/x?secret=hunter2', headers: { authorization: 'Bearer hunter2' } };
const sending = async (options: Partial<SendOptions> = {}) =>
  send(agent, { origin, ...get }, { call: 'GET x', timeoutMs: 5000, ...options });
const opening = async (options: Partial<SendOptions> = {}) =>
  openStream(agent, { origin, ...get }, { call: 'WATCH x', timeoutMs: 5000, ...options });

/** The error of a promise that must fail. */
async function failure(of: Promise<unknown>): Promise<Error & { code: string }> {
  try {
    await of;
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it did not fail');
}
const connectionsEnd = async () => Promise.all([...sockets].map(async (socket) => once(socket, 'close')));

describe('a request', () => {
  it('brings back status, Retry-After and the whole body', async () => {
    answer = (_, response) => {
      response.writeHead(429, { 'retry-after': '3' });
      response.write('a'.repeat(100_000));
      response.end('b');
    };
    const { status, retryAfter, body } = await sending();
    expect([status, retryAfter, body.length]).toEqual([429, '3', 100_001]);
  });

  it('may have an empty answer', async () => {
    answer = (_, response) => void response.writeHead(204).end();
    expect(await sending()).toMatchObject({ status: 204, retryAfter: undefined, body: Buffer.alloc(0) });
  });

  it('carries body and headers', async () => {
    const got = Promise.withResolvers<string>();
    answer = (request, response) => {
      let text = `${request.method} ${request.url} ${request.headers.authorization} `;
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        got.resolve(text);
        response.end();
      });
    };
    await send(
      agent,
      { origin, method: 'POST', path: '/y', headers: { authorization: 'Bearer t' }, body: '{"ä":1}' },
      { call: 'POST y', timeoutMs: 5000 },
    );
    expect(await got.promise).toBe('POST /y Bearer t {"ä":1}');
  });

  it('that gets no answer times out, and its connection is closed', async () => {
    answer = () => undefined;
    expect(await failure(sending({ timeoutMs: 20 }))).toMatchObject({
      code: 'Timeout',
      message: 'GET x: no answer after 20 ms',
    });
    await connectionsEnd();
  });

  it('whose body does not end times out too', async () => {
    answer = (_, response) => void response.write('{"half":');
    expect(await failure(sending({ timeoutMs: 20 }))).toMatchObject({ code: 'Timeout' });
    await connectionsEnd();
  });

  it('ends as soon as it is aborted, and its connection is closed', async () => {
    const stop = new AbortController();
    answer = () => stop.abort();
    expect(await failure(sending({ signal: stop.signal }))).toMatchObject({ code: 'Aborted' });
    await connectionsEnd();
  });

  it('that is aborted before it starts is never sent', async () => {
    let asked = false;
    answer = () => {
      asked = true;
    };
    expect(await failure(sending({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'Aborted' });
    expect([asked, sockets.size]).toEqual([false, 0]);
  });

  it('that waits for a connection can be aborted, and is not sent later', async () => {
    const asked: string[] = [];
    const ends: (() => void)[] = [];
    answer = (request, response) => {
      asked.push(request.url ?? '');
      ends.push(() => void response.end());
    };
    const busy = [sending(), sending()];
    const stop = new AbortController();
    const waiting = failure(sending({ signal: stop.signal }));
    while (ends.length < 2) await new Promise(setImmediate);
    stop.abort();
    expect(await waiting).toMatchObject({ code: 'Aborted' });
    for (const end of ends) end();
    await Promise.all(busy);
    answer = (_, response) => void response.end();
    await sending();
    expect(asked).toHaveLength(2);
  });

  it('that is refused at the last moment is not sent, and the connection stays good', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked += 1;
      response.end();
    };
    await sending();
    const refusal = () => new KubeError({ code: 'LeaseLost', message: 'x' });
    expect(await failure(sending({ refusal }))).toMatchObject({ code: 'LeaseLost' });
    await sending({ refusal: () => undefined });
    expect(asked).toBe(2);
  });

  it('is asked about when it gets a connection, not when it begins to wait for one', async () => {
    const ends: (() => void)[] = [];
    answer = (_, response) => void ends.push(() => void response.end());
    const busy = [sending(), sending()];
    while (ends.length < 2) await new Promise(setImmediate);
    let leads = true;
    const refusal = () => (leads ? undefined : new KubeError({ code: 'LeaseLost', message: 'x' }));
    const waiting = failure(sending({ refusal }));
    leads = false;
    for (const end of ends) end();
    expect(await waiting).toMatchObject({ code: 'LeaseLost' });
    await Promise.all(busy);
    expect(ends).toHaveLength(2);
  });

  it.each<[string, Answer]>([
    ['before an answer', (request) => void request.socket.destroy()],
    [
      'in the middle of one',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.socket?.destroy());
      },
    ],
  ])('whose connection breaks %s is Unreachable', async (_, listener) => {
    answer = listener;
    expect(await failure(sending())).toMatchObject({ code: 'Unreachable', cause: 'UND_ERR_SOCKET' });
  });

  it('to nobody is Unreachable', async () => {
    server.close();
    await once(server, 'close');
    expect(await failure(sending())).toMatchObject({
      code: 'Unreachable',
      message: 'GET x: no answer (ECONNREFUSED)',
    });
  });

  it('leaves no listener at a signal that lives long', async () => {
    answer = (_, response) => void response.end();
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    for (let i = 0; i < 5; i += 1) await sending({ signal });
    expect(listeners).toBe(0);
  });

  it('never shows what it sent', async () => {
    answer = (request) => void request.socket.destroy();
    const error = await failure(sending());
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });
});

describe('a stream', () => {
  it('opens at its headers and brings the bytes as they come', async () => {
    const more = Promise.withResolvers<void>();
    answer = async (_, response) => {
      response.write('one');
      await more.promise;
      response.end('two');
    };
    const chunks: string[] = [];
    for await (const bytes of await opening()) {
      chunks.push(bytes.toString());
      more.resolve();
    }
    expect(chunks).toEqual(['one', 'two']);
  });

  it('has no time-out once it is open', async () => {
    const end = Promise.withResolvers<void>();
    answer = async (_, response) => {
      response.write('one');
      await end.promise;
      response.end('two');
    };
    const stream = await opening({ timeoutMs: 50 });
    setTimeout(() => end.resolve(), 120);
    let text = '';
    for await (const bytes of stream) text += bytes.toString();
    expect(text).toBe('onetwo');
  });

  it('whose headers do not come is given up', async () => {
    answer = () => undefined;
    expect(await failure(opening({ timeoutMs: 20 }))).toMatchObject({ code: 'Timeout' });
    await connectionsEnd();
  });

  it.each<[string, number, string, object]>([
    [
      'with a Status',
      410,
      '{"kind":"Status","reason":"Expired","message":"hunter2"}',
      { code: 'Gone', reason: 'Expired', serverMessage: 'hunter2' },
    ],
    ['with something else', 503, 'hunter2', { code: 'ServerError', message: 'WATCH x: 503 ServerError' }],
    ['with too much', 500, 'x'.repeat(1_000_000), { code: 'ServerError' }],
  ])('that is refused %s fails', async (_, status, body, expected) => {
    answer = (_, response) => void response.writeHead(status, { 'retry-after': '2' }).end(body);
    expect(await failure(opening())).toMatchObject({ status, retryAfterMs: 2000, ...expected });
  });

  it('that breaks fails after what had come', async () => {
    answer = (_, response) => void response.write('one', () => response.socket?.destroy());
    let text = '';
    const error = await failure(
      (async () => {
        for await (const bytes of await opening()) text += bytes.toString();
      })(),
    );
    expect(text).toBe('one');
    expect(error).toMatchObject({ code: 'Unreachable' });
  });

  it('that is closed ends, and so does its connection', async () => {
    answer = (_, response) => void response.write('one');
    const stream = await opening();
    const chunks: string[] = [];
    for await (const bytes of stream) {
      chunks.push(bytes.toString());
      stream.close();
    }
    expect(chunks).toEqual(['one']);
    await connectionsEnd();
  });

  it('that is aborted fails', async () => {
    const stop = new AbortController();
    answer = (_, response) => void response.write('one');
    const stream = await opening({ signal: stop.signal });
    const error = await failure(
      (async () => {
        for await (const _ of stream) stop.abort();
      })(),
    );
    expect(error).toMatchObject({ code: 'Aborted' });
    await connectionsEnd();
  });

  it('does not fill the memory when its reader is slow', async () => {
    const megabyte = Buffer.alloc(1_048_576, 'x');
    let written = 0;
    answer = async (_, response) => {
      while (written < 64 && !response.destroyed) {
        written += 1;
        if (!response.write(megabyte)) await once(response, 'drain').catch(() => undefined);
      }
      response.end();
    };
    const stream = await opening();
    let stalled = -1;
    while (stalled !== written) {
      stalled = written;
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
    expect(written).toBeLessThan(32);
    let size = 0;
    for await (const bytes of stream) size += bytes.length;
    expect(size).toBe(64 * 1_048_576);
  });
});
