import { once } from 'node:events';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { connect, type KubeClient, type RequestSample } from './client.ts';
import type { Resource } from './objects.ts';

/** Answers of a server that a real API server does not give; everything else is in test/cluster/kube-client. */
const pods: Resource = { group: '', version: 'v1', plural: 'pods', namespaced: true };
const x = { namespace: 'team-a', name: 'x' };

let dir: string;
let server: Server;
let client: KubeClient;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let samples: RequestSample[];

beforeEach(async () => {
  samples = [];
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => answer(request, response, body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  dir = await mkdtemp(join(tmpdir(), 'fairlead-client-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  await writeFile(
    kubeconfig,
    stringify({
      clusters: [
        { name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  client = connect({ userAgent: 't/1', kubeconfig, timeoutMs: 2000, onRequest: (one) => samples.push(one) });
});

afterEach(async () => {
  await client.close();
  server.close();
  server.closeAllConnections();
  await rm(dir, { recursive: true, force: true });
});

describe('what is sent', () => {
  let sent: string;
  beforeEach(() => {
    answer = (request, response, body) => {
      sent = `${request.method} ${request.url} ${request.headers['content-type'] ?? '-'} ${body}`.trim();
      response.end('{}');
    };
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['a get', async () => client.get(pods, x), 'GET /api/v1/namespaces/team-a/pods/x -'],
    [
      'a creation',
      async () => client.create(pods, { metadata: x }),
      'POST /api/v1/namespaces/team-a/pods application/json {"metadata":{"namespace":"team-a","name":"x"}}',
    ],
    [
      'a creation of a subresource',
      async () => client.create(pods, { target: 1 }, { of: { ...x, subresource: 'binding' } }),
      'POST /api/v1/namespaces/team-a/pods/x/binding application/json {"target":1}',
    ],
    [
      'a dry run by a manager',
      async () =>
        client.create(pods, { metadata: { namespace: 'a' } }, { dryRun: true, fieldManager: 'me&you' }),
      'POST /api/v1/namespaces/a/pods?fieldManager=me%26you&dryRun=All application/json {"metadata":{"namespace":"a"}}',
    ],
    [
      'a replacement of a status',
      async () => client.replace(pods, { metadata: x }, { subresource: 'status' }),
      'PUT /api/v1/namespaces/team-a/pods/x/status application/json {"metadata":{"namespace":"team-a","name":"x"}}',
    ],
    [
      'a patch',
      async () => client.patch(pods, x, { a: 1 }, { type: 'strategic' }),
      'PATCH /api/v1/namespaces/team-a/pods/x application/strategic-merge-patch+json {"a":1}',
    ],
    [
      'a forced apply',
      async () => client.patch(pods, x, {}, { type: 'apply', force: true, fieldManager: 'me' }),
      'PATCH /api/v1/namespaces/team-a/pods/x?force=true&fieldManager=me application/apply-patch+yaml {}',
    ],
    [
      'a deletion of just this object',
      async () => client.delete(pods, x, { uid: 'u', gracePeriodSeconds: 0 }),
      'DELETE /api/v1/namespaces/team-a/pods/x application/json {"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u"},"gracePeriodSeconds":0}',
    ],
  ])('%s', async (_, act, expected) => {
    await act();
    expect(sent).toBe(expected);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'a deletion without a name, which would be one of all',
      async () => client.delete(pods, { ...x, name: '' }),
    ],
    ['a creation without a namespace', async () => client.create(pods, { metadata: { name: 'x' } })],
    ['a replacement without a name', async () => client.replace(pods, { metadata: { namespace: 'a' } })],
  ])('nothing for %s', async (_, act) => {
    sent = '';
    await expect(act()).rejects.toMatchObject({ code: 'BadRequest' });
    expect(sent).toBe('');
  });
});

describe('an answer', () => {
  it('that is not JSON is a BadResponse and not quoted', async () => {
    answer = (_, response) => void response.end('<html>hunter2</html>');
    const error = await client.get(pods, x).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      code: 'BadResponse',
      message: 'GET pods team-a/x: the answer is not JSON',
      cause: 'SyntaxError',
    });
    expect((error as Error).stack).not.toContain('hunter2');
  });

  it('of an error that is not JSON is told by its status', async () => {
    answer = (_, response) => void response.writeHead(502).end('<html>hunter2</html>');
    await expect(client.get(pods, x)).rejects.toMatchObject({
      code: 'ServerError',
      message: 'GET pods team-a/x: 502 ServerError',
    });
  });

  it('that sends us elsewhere is not followed', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked += 1;
      response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
    };
    await expect(client.get(pods, x)).rejects.toMatchObject({ code: 'BadResponse', status: 307 });
    expect(asked).toBe(1);
  });

  it('without a body is undefined', async () => {
    answer = (_, response) => void response.end();
    expect(await client.request({ method: 'GET', path: '/x' })).toBeUndefined();
  });
});

describe('a connection that breaks', () => {
  let asked: number;
  beforeEach(() => {
    asked = 0;
    answer = (request, response) => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else response.end('{}');
    };
  });

  it('costs a GET a second try', async () => {
    await client.get(pods, x);
    expect(asked).toBe(2);
  });

  it('fails a write, which may have been done', async () => {
    await expect(client.create(pods, { metadata: x })).rejects.toMatchObject({ code: 'Unreachable' });
    expect(asked).toBe(1);
  });
});

describe('a fence', () => {
  let asked: string[];
  beforeEach(() => {
    asked = [];
    answer = (request, response) => {
      asked.push(request.method ?? '');
      response.end('{}');
    };
  });

  it('lets reads through and holds up every write while we do not lead', async () => {
    let leads = false;
    const fenced = client.fenced(() => leads);
    await fenced.get(pods, x);
    const writes = [
      async () => fenced.create(pods, { metadata: x }),
      async () => fenced.replace(pods, { metadata: x }),
      async () => fenced.patch(pods, x, {}, { type: 'merge' }),
      async () => fenced.delete(pods, x),
    ];
    for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'LeaseLost' });
    expect(asked).toEqual(['GET']);
    leads = true;
    for (const write of writes) await write();
    expect(asked).toEqual(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
  });

  it('is not round the client it was made from', async () => {
    client.fenced(() => false);
    await client.create(pods, { metadata: x });
    expect(asked).toEqual(['POST']);
  });
});

describe('a sample for metrics', () => {
  it.each<[string, () => Promise<unknown>, (response: ServerResponse) => void, string]>([
    ['the status', async () => client.get(pods, x), (response) => response.end('{}'), '200'],
    ['the status of an error', async () => client.get(pods, x), (r) => r.writeHead(404).end(), '404'],
    ['the status of nonsense', async () => client.get(pods, x), (r) => r.end('hunter2'), '200'],
    [
      'the code of a failure',
      async () => client.create(pods, { metadata: x }),
      (r) => r.destroy(),
      'Unreachable',
    ],
    [
      'the code of a time-out',
      async () => client.get(pods, x, { timeoutMs: 10 }),
      () => undefined,
      'Timeout',
    ],
    [
      'the code of an abort',
      async () => client.get(pods, x, { signal: AbortSignal.abort() }),
      () => undefined,
      'Aborted',
    ],
  ])('has %s', async (_, act, reply, code) => {
    answer = (_, response) => reply(response);
    await act().catch(() => undefined);
    expect(samples.map((sample) => sample.code)).toEqual([code]);
    expect(samples[0]?.ms).toBeGreaterThanOrEqual(0);
  });
});
