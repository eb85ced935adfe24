import { once } from 'node:events';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure, localServer, type LocalServer } from '../../test/support/local-server.ts';
import type { SendOptions } from './send.ts';
import { openStream } from './stream.ts';

let local: LocalServer;
let agent: Agent;

beforeEach(async () => {
  local = await localServer();
  agent = new Agent({ allowH2: false, pipelining: 1 });
});

afterEach(async () => {
  await agent.destroy();
  await local.close();
});

const opening = async (options: Partial<SendOptions> = {}) =>
  openStream(
    agent,
    { origin: local.origin, method: 'GET', path: '/x?watch=true', headers: {} },
    { call: 'WATCH x', timeoutMs: 5000, ...options },
  );

describe('a stream', () => {
  it('opens at its headers and brings the bytes as they come', async () => {
    const more = Promise.withResolvers<void>();
    local.answer = async (_, response) => {
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
    local.answer = async (_, response) => {
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
    local.answer = () => undefined;
    expect(await failure(opening({ timeoutMs: 20 }))).toMatchObject({ code: 'Timeout' });
    await local.connectionsEnd();
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
    local.answer = (_, response) => void response.writeHead(status, { 'retry-after': '2' }).end(body);
    expect(await failure(opening())).toMatchObject({ status, retryAfterMs: 2000, ...expected });
  });

  it('that breaks fails after what had come', async () => {
    local.answer = (_, response) => void response.write('one', () => response.socket?.destroy());
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
    local.answer = (_, response) => void response.write('one');
    const stream = await opening();
    const chunks: string[] = [];
    for await (const bytes of stream) {
      chunks.push(bytes.toString());
      stream.close();
    }
    expect(chunks).toEqual(['one']);
    await local.connectionsEnd();
  });

  it('that is aborted fails', async () => {
    const stop = new AbortController();
    local.answer = (_, response) => void response.write('one');
    const stream = await opening({ signal: stop.signal });
    const error = await failure(
      (async () => {
        for await (const _ of stream) stop.abort();
      })(),
    );
    expect(error).toMatchObject({ code: 'Aborted' });
    await local.connectionsEnd();
  });

  it('does not fill the memory when its reader is slow', async () => {
    const megabyte = Buffer.alloc(1_048_576, 'x');
    let written = 0;
    local.answer = async (_, response) => {
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
