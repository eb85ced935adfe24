import { inspect } from 'node:util';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure, localServer, type Answer, type LocalServer } from '../../test/support/local-server.ts';
import { KubeError } from './errors.ts';
import { send, type SendOptions } from './send.ts';

let local: LocalServer;
let agent: Agent;

beforeEach(async () => {
  local = await localServer();
  agent = new Agent({ connections: 2, allowH2: false, pipelining: 1 });
});

afterEach(async () => {
  await agent.destroy();
  await local.close();
});

const sending = async (options: Partial<SendOptions> = {}) =>
  send(
    agent,
    {
      origin: local.origin,
      method: 'GET',
      path: '/x?secret=hunter2',
      headers: { authorization: 'Bearer hunter2' },
    },
    { call: 'GET x', timeoutMs: 5000, ...options },
  );

describe('a request', () => {
  it('brings back status, Retry-After and the whole body', async () => {
    local.answer = (_, response) => {
      response.writeHead(429, { 'retry-after': '3' });
      response.write('a'.repeat(100_000));
      response.end('b');
    };
    const { status, retryAfter, body } = await sending();
    expect([status, retryAfter, body.length]).toEqual([429, '3', 100_001]);
  });

  it('may have an empty answer', async () => {
    local.answer = (_, response) => void response.writeHead(204).end();
    expect(await sending()).toMatchObject({ status: 204, retryAfter: undefined, body: Buffer.alloc(0) });
  });

  it('carries body and headers', async () => {
    const got = Promise.withResolvers<string>();
    local.answer = (request, response) => {
      let text = `${request.method} ${request.url} ${request.headers.authorization} `;
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        got.resolve(text);
        response.end();
      });
    };
    await send(
      agent,
      {
        origin: local.origin,
        method: 'POST',
        path: '/y',
        headers: { authorization: 'Bearer t' },
        body: '{"ä":1}',
      },
      { call: 'POST y', timeoutMs: 5000 },
    );
    expect(await got.promise).toBe('POST /y Bearer t {"ä":1}');
  });

  it('that gets no answer times out, and its connection is closed', async () => {
    local.answer = () => undefined;
    expect(await failure(sending({ timeoutMs: 20 }))).toMatchObject({
      code: 'Timeout',
      message: 'GET x: no answer after 20 ms',
    });
    await local.connectionsEnd();
  });

  it('whose body does not end times out too', async () => {
    local.answer = (_, response) => void response.write('{"half":');
    expect(await failure(sending({ timeoutMs: 20 }))).toMatchObject({ code: 'Timeout' });
    await local.connectionsEnd();
  });

  it('ends as soon as it is aborted, and its connection is closed', async () => {
    const stop = new AbortController();
    local.answer = () => stop.abort();
    expect(await failure(sending({ signal: stop.signal }))).toMatchObject({ code: 'Aborted' });
    await local.connectionsEnd();
  });

  it('that is aborted before it starts is never sent', async () => {
    let asked = false;
    local.answer = () => {
      asked = true;
    };
    expect(await failure(sending({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'Aborted' });
    expect([asked, local.sockets.size]).toEqual([false, 0]);
  });

  it('that waits for a connection can be aborted, and is not sent later', async () => {
    const asked: string[] = [];
    const ends: (() => void)[] = [];
    local.answer = (request, response) => {
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
    local.answer = (_, response) => void response.end();
    await sending();
    expect(asked).toHaveLength(2);
  });

  it('that is refused at the last moment is not sent, and the connection stays good', async () => {
    let asked = 0;
    local.answer = (_, response) => {
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
    local.answer = (_, response) => void ends.push(() => void response.end());
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
    local.answer = listener;
    expect(await failure(sending())).toMatchObject({ code: 'Unreachable', cause: 'UND_ERR_SOCKET' });
  });

  it('to nobody is Unreachable', async () => {
    await local.close();
    expect(await failure(sending())).toMatchObject({
      code: 'Unreachable',
      message: 'GET x: no answer (ECONNREFUSED)',
    });
  });

  it('leaves no listener at a signal that lives long', async () => {
    local.answer = (_, response) => void response.end();
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
    local.answer = (request) => void request.socket.destroy();
    const error = await failure(sending());
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });
});
