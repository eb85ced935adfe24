import { Agent } from 'node:https';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { call, handshake, localhost, startEcho as start, stopServers } from './test-support.ts';

afterEach(stopServers);

describe('TLS', () => {
  test('is 1.2 or later', async () => {
    const { port, ca } = await start();
    await expect(handshake(port, ca, 'TLSv1.1')).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
    (await handshake(port, ca, 'TLSv1.3')).destroy();
  });

  test('new connections get a new certificate, open ones go on', async () => {
    const { server, post, bundle } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await post({ body: '{}', agent });
    const renewed = await localhost({ previous: bundle });
    server.setCertificate(renewed);
    expect((await post({ body: '{}', agent })).serial).toBe(before.serial);
    const after = await post({ body: '{}' });
    expect(after.status).toBe(200);
    expect(after.serial).not.toBe(before.serial);
    agent.destroy();
  });

  test('a request that is under way survives the change of certificate', async () => {
    const [running, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { server, post, bundle } = await start({
      'POST /held': async () => {
        running.resolve();
        await go.promise;
        return { status: 200, body: 'done' };
      },
    });
    const answer = post({ path: '/held', body: '{}' });
    await running.promise;
    server.setCertificate(await localhost({ previous: bundle }));
    go.resolve();
    expect(await answer).toMatchObject({ status: 200, text: '"done"' });
  });

  test('a pair that does not belong together is refused, and the old one stays', async () => {
    const { server, post, bundle } = await start();
    const other = await localhost({ previous: bundle });
    expect(() => server.setCertificate({ cert: bundle.cert, key: other.key })).toThrow(/key/);
    expect((await post({ body: '{}' })).status).toBe(200);
  });

  test('a client that does not trust us is reported, by code', async () => {
    const { post, problems } = await start();
    const stranger = await localhost();
    await expect(post({ ca: stranger.caCert, body: '{}' })).rejects.toThrow(/signature|certificate/);
    await expect
      .poll(() => problems)
      .toEqual([{ code: 'TlsClientError', error: expect.stringMatching(/^\w+$/) }]);
  });
});

describe('stop', () => {
  test('lets a request in flight finish, closes its connection and takes no new one', async () => {
    const [running, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { server, post, port, ca } = await start({
      'POST /held': async () => {
        running.resolve();
        await go.promise;
        return { status: 200, body: 'done' };
      },
    });
    const agent = new Agent({ keepAlive: true });
    const answer = post({ path: '/held', body: '{}', agent });
    await running.promise;
    const stopped = server.stop(60_000);
    await expect(post({ body: '{}' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    go.resolve();
    expect(await answer).toMatchObject({ status: 200, text: '"done"' });
    await stopped;
    await expect(call({ port, ca })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    agent.destroy();
  });

  test('closes idle connections at once', async () => {
    const { server, post } = await start();
    const agent = new Agent({ keepAlive: true });
    await post({ body: '{}', agent });
    await server.stop(60_000);
    agent.destroy();
  });

  test('is bounded, whatever the connections are at', async () => {
    const running = Promise.withResolvers<void>();
    const { server, post, port } = await start({
      'POST /never': () => {
        running.resolve();
        return new Promise(() => {});
      },
    });
    const gone = expect(post({ path: '/never', body: '{}' })).rejects.toMatchObject({ code: 'ECONNRESET' });
    await running.promise;
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => {});
    await once(silent, 'connect');
    await Promise.all([server.stop(60_000), server.stop(50), gone]);
  });
});
