import { afterEach, describe, expect, test } from 'vitest';
import { startHealth, type HealthListening, type HealthOptions } from './health.ts';

let server: HealthListening | undefined;
afterEach(async () => {
  await server?.stop(0);
  server = undefined;
});

async function start(more: Partial<HealthOptions> = {}) {
  server = await startHealth({
    host: '127.0.0.1',
    port: 0,
    ready: [],
    metrics: () => Promise.resolve('up 1\n'),
    ...more,
  });
  const { port } = server;
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { server, get };
}

const good = { name: 'caches', check: () => undefined };
const bad = { name: 'certificate', check: () => 'it has expired' };
const broken = {
  name: 'broken',
  check: () => {
    throw new Error('hunter2');
  },
};

describe('/readyz', () => {
  test('is ok when every check is', async () => {
    const { get } = await start({ ready: [good] });
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok\n' });
  });

  test('names the checks that fail', async () => {
    const { get } = await start({ ready: [good, bad] });
    expect(await get('/readyz')).toMatchObject({ status: 503, text: '[-]certificate failed\nfailed\n' });
  });

  test('with verbose tells each check, and why it fails', async () => {
    const { get } = await start({ ready: [good, bad, broken] });
    for (const query of ['?verbose', '?verbose=1', '?a=b&verbose'])
      expect(await get(`/readyz${query}`)).toMatchObject({
        status: 503,
        text: [
          '[+]caches ok',
          '[-]certificate failed: it has expired',
          '[-]broken failed: the check itself failed',
          '[+]shutdown ok',
          'failed',
          '',
        ].join('\n'),
      });
  });

  test('asks the checks each time', async () => {
    let problem: string | undefined = 'not synced';
    const { get } = await start({ ready: [{ name: 'caches', check: () => problem }] });
    expect((await get('/readyz')).status).toBe(503);
    problem = undefined;
    expect((await get('/readyz')).status).toBe(200);
  });

  test('can be switched off first at a shutdown, while the process stays alive', async () => {
    const { server, get } = await start({ ready: [good] });
    server.notReady();
    expect(await get('/readyz?verbose')).toMatchObject({
      status: 503,
      text: '[+]caches ok\n[-]shutdown failed: the process is shutting down\nfailed\n',
    });
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/metrics')).status).toBe(200);
  });
});

describe.each(['/livez', '/healthz'])('%s', (path) => {
  test('is ok as long as it answers, whatever readiness says', async () => {
    const { get } = await start({ ready: [bad] });
    expect(await get(path)).toMatchObject({ status: 200, text: 'ok\n' });
  });

  test('fails with its own checks', async () => {
    const { get } = await start({ live: [bad] });
    expect(await get(`${path}?verbose`)).toMatchObject({
      status: 503,
      text: '[-]certificate failed: it has expired\nfailed\n',
    });
  });
});

describe('/metrics', () => {
  test('gives the text, in the format of Prometheus', async () => {
    const { get } = await start();
    const answer = await get('/metrics');
    expect(answer).toMatchObject({ status: 200, text: 'up 1\n' });
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  test('can have another content type', async () => {
    const { get } = await start({ metricsContentType: 'application/openmetrics-text' });
    expect((await get('/metrics')).headers.get('content-type')).toBe('application/openmetrics-text');
  });

  test('that cannot be collected are a 500 without detail', async () => {
    const { get } = await start({ metrics: () => Promise.reject(new Error('hunter2')) });
    expect(await get('/metrics')).toMatchObject({ status: 500, text: 'the metrics cannot be collected\n' });
  });
});

describe('anything else', () => {
  test.each([
    ['/', 'GET', 404],
    ['/healthz/hunter2', 'GET', 404],
    ['/readyz', 'POST', 405],
    ['/metrics', 'DELETE', 405],
  ])('%s with %s is %i and not quoted', async (path, method, status) => {
    const { get } = await start();
    const answer = await get(path, method);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('hunter2');
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
  });

  test('HEAD is GET without a body', async () => {
    const { get } = await start();
    expect(await get('/healthz', 'HEAD')).toMatchObject({ status: 200, text: '' });
  });
});

test('stop frees the port, and an address that is taken is refused', async () => {
  const { server } = await start();
  const options = { host: '127.0.0.1', port: server.port, ready: [], metrics: () => Promise.resolve('') };
  await expect(startHealth(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await server.stop(0);
  const next = await startHealth(options);
  await next.stop(0);
});
