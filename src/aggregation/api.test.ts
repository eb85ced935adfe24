import { X509Certificate } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority, issue, type Authority } from '../../hack/cluster/pki.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import type { OpenHandler, OpenRequest } from '../serve/open.ts';
import { extensionApi } from './api.ts';
import { StatusError } from './errors.ts';
import type { AccessQuestion, ApiOptions, ApiProblem, Refused, RequestSample } from './options.ts';
import type { RequestHeaderConfig } from './request-header.ts';
import { placeholders, type Placeholders } from './test-support.ts';

let authority: Authority;
let peer: X509Certificate;
let config: RequestHeaderConfig;
beforeAll(async () => {
  authority = await createAuthority('front-proxy');
  peer = new X509Certificate((await issue(authority, { commonName: 'proxy', usage: ['client'] })).cert);
  config = {
    ...{
      ca: authority.cert,
      authorities: [new X509Certificate(authority.cert)],
      allowedNames: new Set(['proxy']),
    },
    ...{
      userHeaders: ['x-remote-user'],
      uidHeaders: [],
      groupHeaders: ['x-remote-group'],
      extraPrefixes: [],
    },
  };
});

/** Certificates are looked at by the date, so this clock begins today. */
let clock: FakeClock;
let held: Placeholders;
let asked: AccessQuestion[];
let problems: ApiProblem[];
let refused: Refused[];
let samples: RequestSample[];
beforeEach(() => {
  clock = new FakeClock(new Date().toISOString());
  held = placeholders();
  [asked, problems, refused, samples] = [[], [], [], []];
});

const base = '/apis/keys.example.com/v1';
const things = `${base}/namespaces/team-a/placeholders`;

function api(more: Partial<ApiOptions> = {}): OpenHandler {
  return extensionApi({
    ...{ group: 'keys.example.com', version: 'v1', clock, resources: [held.resource] },
    requestHeader: () => config,
    allowed: async (question) => {
      asked.push(question);
      return true;
    },
    unavailable: () => undefined,
    onError: (problem) => problems.push(problem),
    onRefused: (one) => refused.push(one),
    onRequest: (sample) => samples.push(sample),
    ...more,
  });
}

const request = (more: Partial<OpenRequest> & { body?: unknown } = {}): OpenRequest => ({
  method: 'GET',
  url: things,
  peer,
  hasBody: more.body !== undefined,
  readJson: async () => ({ kind: 'json', value: more.body }),
  signal: new AbortController().signal,
  ...more,
  headers: { 'x-remote-user': ['jane'], 'x-remote-group': ['a'], ...more.headers },
});
const caller = { user: 'jane', groups: ['a'], extra: {} };
const status = (reason: string, code: number) => ({ status: code, body: { kind: 'Status', reason, code } });
const object = { metadata: { name: 'x' }, spec: { value: 'hunter2' } };

describe('a request', () => {
  it.each<[string, string, unknown, object, object]>([
    ['GET', things, undefined, { verb: 'list', namespace: 'team-a' }, { status: 200 }],
    ['GET', `${base}/placeholders`, undefined, { verb: 'list', namespace: undefined }, { status: 200 }],
    [
      'GET',
      `${things}/x`,
      undefined,
      { verb: 'get', namespace: 'team-a', name: 'x' },
      status('NotFound', 404),
    ],
    ['POST', things, object, { verb: 'create', namespace: 'team-a' }, { status: 201 }],
    ['PUT', `${things}/x`, object, { verb: 'update', name: 'x' }, status('NotFound', 404)],
    ['DELETE', `${things}/x`, undefined, { verb: 'delete', name: 'x' }, status('NotFound', 404)],
  ])('%s %s is asked for and done', async (method, url, body, question, answer) => {
    expect(await api()(request({ method, url, body }))).toMatchObject(answer);
    expect(asked).toMatchObject([{ caller, resource: 'placeholders', ...question }]);
    expect(held.requests).toMatchObject([{ caller, ...question }]);
    expect(problems).toEqual([]);
  });

  it.each<[string, string, unknown]>([
    ['PATCH', `${things}/x`, {}],
    ['DELETE', things, undefined],
    ['POST', `${base}/placeholders`, object],
    ['POST', `${things}/x`, object],
    ['HEAD', things, undefined],
    ['GET', `${things}?watch=true`, undefined],
    ['GET', `${things}/x?watch=1`, undefined],
  ])('%s %s is not allowed', async (method, url, body) => {
    expect(await api()(request({ method, url, body }))).toMatchObject(status('MethodNotAllowed', 405));
    expect(held.requests).toEqual([]);
  });

  it.each([
    `${base}/namespaces/team-a/nothing`,
    '/openapi/v2',
    '/apis/other',
    `${base}/namespaces/team-a/constructor`,
  ])('for %s leads nowhere', async (url) => {
    expect(await api()(request({ url }))).toMatchObject(status('NotFound', 404));
  });

  it('with a verb that has no handler is not allowed', async () => {
    const { delete: _, ...resource } = held.resource;
    const answer = await api({ resources: [resource] })(request({ method: 'DELETE', url: `${things}/x` }));
    expect(answer).toMatchObject(status('MethodNotAllowed', 405));
  });

  it('without labels to select by reads nothing', async () => {
    const answer = await api()(request({ url: `${things}?labelSelector=a%3Db` }));
    expect(answer).toMatchObject({ status: 200, body: { items: [] } });
    expect(held.requests).toEqual([]);
  });

  it('is counted by words from short lists', async () => {
    const serve = api();
    await serve(request());
    await serve(request({ method: 'BREW', url: '/hunter2' }));
    await serve(request({ url: `${base}/hunter2` }));
    expect(samples).toEqual([
      { verb: 'GET', resource: 'placeholders', code: 200, ms: 0 },
      { verb: 'other', resource: 'other', code: 404, ms: 0 },
      { verb: 'GET', resource: 'other', code: 404, ms: 0 },
    ]);
  });
});

describe('who asks', () => {
  it.each<[string, Partial<OpenRequest>, Partial<ApiOptions>, string]>([
    ['without a certificate', { peer: undefined }, {}, 'no client certificate'],
    ['before it is known whose word counts', {}, { requestHeader: () => undefined }, 'not known yet'],
    ['with a name said twice', { headers: { 'x-remote-user': ['a', 'b'] } }, {}, 'does not say clearly'],
  ])('%s is nobody', async (_, more, options, message) => {
    const answer = await api(options)(request(more));
    expect(answer).toMatchObject(status('Unauthorized', 401));
    expect(asked).toEqual([]);
    expect(refused).toMatchObject([
      {
        reason: 'Unauthorized',
        resource: 'placeholders',
        namespace: 'team-a',
        message: expect.stringContaining(message),
      },
    ]);
    expect(refused[0]).not.toHaveProperty('caller');
  });

  it('may see whether this lives, and nothing else', async () => {
    const serve = api();
    expect(await serve(request({ url: '/healthz', peer: undefined }))).toMatchObject({
      status: 200,
      body: 'ok',
    });
    for (const url of ['/apis', base, '/openapi/v3', '/nothing'])
      expect(await serve(request({ url, peer: undefined }))).toMatchObject({ status: 401 });
  });

  it('and may not is refused before anything is read', async () => {
    const readJson = async () => expect.fail('read');
    const answer = await api({ allowed: async () => false })(
      request({ method: 'POST', readJson, hasBody: true }),
    );
    expect(answer).toMatchObject(status('Forbidden', 403));
    expect(refused).toMatchObject([
      { caller, verb: 'create', resource: 'placeholders', reason: 'Forbidden' },
    ]);
  });

  it('is told to come again if it cannot be found out whether they may', async () => {
    const allowed = async () => Promise.reject(new TypeError('hunter2'));
    const answer = await api({ allowed })(request());
    expect(answer).toMatchObject({ ...status('ServiceUnavailable', 503), headers: { 'Retry-After': '1' } });
    expect(problems).toEqual([{ code: 'AccessReviewFailed', resource: 'placeholders', error: 'TypeError' }]);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it.each<[string, Parameters<typeof request>[0], number, object]>([
    ['a path with dots', { url: `${base}/namespaces/%2e%2e/placeholders` }, 400, { resource: '' }],
    ['a path with an encoded slash', { url: `${things}/a%2fb`, method: 'PUT' }, 400, { verb: 'update' }],
    ['a path below an object', { url: `${things}/a/b` }, 404, { reason: 'NotFound', resource: '' }],
    ['a body of another kind', { method: 'POST', body: { kind: 'X' } }, 400, { verb: 'create' }],
    [
      'a body that is too large',
      {
        ...{ method: 'POST', hasBody: true },
        readJson: async () => ({ kind: 'refused', status: 413, message: 'large' }),
      },
      413,
      { verb: 'create', reason: 'RequestEntityTooLarge', resource: 'placeholders', namespace: 'team-a' },
    ],
  ])('and sends %s is written down', async (_, more, code, what) => {
    expect(await api()(request(more))).toMatchObject({ status: code });
    expect(refused).toMatchObject([{ caller, ...(code === 400 && { reason: 'BadRequest' }), ...what }]);
    expect(await api()(request({ ...more, peer: undefined }))).toMatchObject({ body: { kind: 'Status' } });
    expect(refused.filter((one) => one.caller)).toHaveLength(1);
  });

  it('too often is told to wait, and others are not', async () => {
    const serve = api({ limits: { perUser: { burst: 2, refillMs: 1e9, users: 10 } } });
    const answers = [await serve(request()), await serve(request()), await serve(request())];
    expect(answers.map((one) => one.status)).toEqual([200, 200, 429]);
    expect(refused).toMatchObject([{ caller, reason: 'TooManyRequests' }]);
    expect((await serve(request({ headers: { 'x-remote-user': ['joe'] } }))).status).toBe(200);
  });
});

describe('what cannot be served', () => {
  it('is told, but documents are there', async () => {
    const serve = api({ unavailable: () => 'not yet' });
    expect(await serve(request())).toMatchObject({ status: 503, body: { message: 'not yet' } });
    expect(await serve(request({ url: base }))).toMatchObject({
      status: 200,
      body: { kind: 'APIResourceList' },
    });
  });

  it('is not told to somebody who may not ask', async () => {
    const serve = api({ unavailable: () => 'not yet', allowed: async () => false });
    expect(await serve(request())).toMatchObject({ status: 403 });
  });

  it('because of an error that is not ours says nothing of it', async () => {
    const resource = { ...held.resource, list: async () => Promise.reject(new TypeError('hunter2')) };
    const answer = await api({ resources: [resource] })(request());
    expect(answer).toMatchObject(status('InternalError', 500));
    expect(JSON.stringify([answer, problems])).not.toContain('hunter2');
    expect(problems).toEqual([{ code: 'HandlerFailed', resource: 'placeholders', error: 'TypeError' }]);
  });

  it('in time is a Status, and the work is told to stop', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const resource = {
      ...held.resource,
      list: async ({ signal }: { signal: AbortSignal }) => {
        signal.addEventListener('abort', () => resolve());
        return new Promise<never>(() => {});
      },
    };
    const answer = api({ resources: [resource] })(request());
    await clock.advance(50_000);
    expect(await answer).toMatchObject(status('Timeout', 504));
    await promise;
    expect(problems).toEqual([{ code: 'DeadlineExceeded', resource: 'placeholders' }]);
  });

  it('says which object it is about, unless the handler does', async () => {
    expect(await api()(request({ url: `${things}/x` }))).toMatchObject({
      body: { details: { name: 'x', group: 'keys.example.com', kind: 'placeholders' } },
    });
    const get = async () => Promise.reject(new StatusError('NotFound', 'no', { name: 'y', kind: 'others' }));
    const answer = await api({ resources: [{ ...held.resource, get }] })(request({ url: `${things}/x` }));
    expect(answer).toMatchObject({ body: { details: { name: 'y', kind: 'others' } } });
  });
});

describe('answers', () => {
  it('have warnings, of the core and of the kind', async () => {
    const body = { ...object, spec: { ...object.spec, colour: 'red' } };
    const { headers } = await api()(request({ method: 'POST', body }));
    expect(headers).toEqual({
      Warning: ['299 - "unknown field \\"spec.colour\\""', '299 - "was \\"made\\""'],
    });
  });

  it('of deletions are a Status', async () => {
    held.objects.set('team-a/x', { metadata: { name: 'x', namespace: 'team-a' } });
    const url = `${things}/x`;
    const dry = await api()(request({ method: 'DELETE', url, body: { dryRun: ['All'] } }));
    expect([dry.status, held.objects.size]).toEqual([200, 1]);
    const done = await api()(request({ method: 'DELETE', url }));
    expect(done).toMatchObject({
      status: 200,
      body: { kind: 'Status', status: 'Success', details: { name: 'x' } },
    });
    expect(held.objects.size).toBe(0);
  });
});

describe('what is for kube-apiserver itself', () => {
  const inner = { warn: async ({ body }: { body: unknown }) => ({ status: 200, body: { got: body } }) };
  const url = `${base}/warn`;
  const self = { 'x-remote-user': ['system:apiserver'], 'x-remote-group': ['system:masters'] };
  const serve = async (more: Parameters<typeof request>[0]) =>
    api({ inner })(request({ method: 'POST', url, body: 1, ...more }));

  it('is answered as it is', async () => {
    expect(await serve({ headers: self })).toEqual({ status: 200, body: { got: 1 } });
  });

  it.each<[string, Parameters<typeof request>[0], number]>([
    ['somebody else', {}, 403],
    ['somebody of that name alone', { headers: { ...self, 'x-remote-group': ['a'] } }, 403],
    ['an administrator', { headers: { ...self, 'x-remote-user': ['admin'] } }, 403],
    ['nobody', { headers: self, peer: undefined }, 401],
    ['another method', { headers: self, method: 'GET' }, 405],
    ['a namespace', { headers: self, url: `${base}/namespaces/a/warn` }, 404],
    ['an object', { headers: self, url: `${base}/namespaces/a/warn/x` }, 404],
  ])('is refused to %s', async (_, more, code) => {
    expect(await serve(more)).toMatchObject({ status: code, body: { kind: 'Status' } });
  });
});
