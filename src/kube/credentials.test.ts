import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createProxy, type IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect as netConnect, type AddressInfo, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { createAuthority, issue, type Authority } from '../../hack/cluster/pki.ts';
import { connect, type ConnectOptions, type KubeClient } from './client.ts';

let dir: string;
let authority: Authority;
let server: Server;
let port: number;
let client: KubeClient | undefined;

async function serve(by: Authority): Promise<void> {
  const { cert, key } = await issue(by, { commonName: 'server', usage: ['server'], ips: ['127.0.0.1'] });
  server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    response.end(
      JSON.stringify({
        url: request.url,
        authorization: request.headers.authorization,
        userAgent: request.headers['user-agent'],
        commonName: (peer as { subject?: { CN?: string } } | undefined)?.subject?.CN,
      }),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
}

async function stopServing(): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairlead-credentials-'));
  port = 0;
  authority = await createAuthority('one');
  await serve(authority);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await client?.close();
  await stopServing();
  await rm(dir, { recursive: true, force: true });
});

const path = (name: string) => join(dir, name);
const see = async () =>
  client!.request<Record<'url' | 'authorization' | 'userAgent' | 'commonName', string | undefined>>({
    method: 'GET',
    path: '/api',
  });

async function kubeconfig(user: object, cluster: object = {}): Promise<string> {
  await writeFile(path('ca.crt'), authority.cert);
  await writeFile(
    path('kubeconfig'),
    stringify({
      clusters: [
        {
          name: 'c',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': 'ca.crt', ...cluster },
        },
      ],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  return path('kubeconfig');
}

function open(options: Partial<ConnectOptions>): void {
  client = connect({ userAgent: 'fairlead/1', refreshMs: 0, ...options });
}

describe('a kubeconfig', () => {
  it('with a token', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }) });
    expect(await see()).toMatchObject({ authorization: 'Bearer abc', userAgent: 'fairlead/1' });
  });

  it('with a client certificate', async () => {
    const { cert, key } = await issue(authority, { commonName: 'jane', usage: ['client'] });
    await writeFile(path('jane.crt'), cert);
    await writeFile(path('jane.key'), key);
    open({ kubeconfig: await kubeconfig({ 'client-certificate': 'jane.crt', 'client-key': 'jane.key' }) });
    expect(await see()).toMatchObject({ commonName: 'jane' });
  });

  it('whose client certificate is not shown when a token takes its place', async () => {
    const { cert, key } = await issue(authority, { commonName: 'jane', usage: ['client'] });
    const data = (text: string) => Buffer.from(text).toString('base64');
    open({
      kubeconfig: await kubeconfig({ 'client-certificate-data': data(cert), 'client-key-data': data(key) }),
      bearerToken: 'abc',
    });
    expect(await see()).toEqual({ url: '/api', authorization: 'Bearer abc', userAgent: 'fairlead/1' });
  });

  it('with name and password', async () => {
    open({ kubeconfig: await kubeconfig({ username: 'jane', password: 'pw' }) });
    expect((await see()).authorization).toBe(`Basic ${Buffer.from('jane:pw').toString('base64')}`);
  });

  it('of a server behind a prefix', async () => {
    const server = `https://127.0.0.1:${port}/k8s/clusters/c-1/`;
    open({ kubeconfig: await kubeconfig({}, { server }) });
    expect((await see()).url).toBe('/k8s/clusters/c-1/api');
  });

  it('may name another context', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }), context: 'x' });
    expect((await see()).authorization).toBe('Bearer abc');
    expect(() => open({ kubeconfig: path('kubeconfig'), context: 'y' })).toThrow(
      expect.objectContaining({ code: 'BadConfig' }),
    );
  });

  it.each<[string, () => Promise<string>]>([
    ['is not there', async () => path('nothing')],
    [
      'is not YAML',
      async () => {
        await writeFile(path('kubeconfig'), 'users: [{token: hunter2\n  hunter2: : :');
        return path('kubeconfig');
      },
    ],
    [
      'is something else',
      async () => {
        await writeFile(path('kubeconfig'), 'hunter2');
        return path('kubeconfig');
      },
    ],
    ['names no server', async () => kubeconfig({ token: 'hunter2' }, { server: 'hunter2' })],
    [
      'would send a token without TLS',
      async () => kubeconfig({ token: 'hunter2' }, { server: 'http://hunter2' }),
    ],
  ])('that %s is refused without a word of it', async (_, make) => {
    const file = await make();
    let thrown: unknown;
    try {
      open({ kubeconfig: file });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'KubeError', code: 'BadConfig' });
    expect((thrown as Error).stack).not.toContain('hunter2');
  });

  it('that names a certificate which is not there fails at the first request', async () => {
    open({ kubeconfig: await kubeconfig({ 'client-certificate': 'gone.crt' }) });
    await expect(see()).rejects.toMatchObject({ code: 'BadConfig' });
  });
});

describe('a proxy on the way', () => {
  it('is asked for a tunnel, and sees nothing of what goes through', async () => {
    const targets: string[] = [];
    let passed = '';
    const proxy = createProxy();
    proxy.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      targets.push(request.url ?? '');
      const onward = netConnect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.write(head);
        socket.on('data', (bytes: Buffer) => (passed += bytes.toString('latin1')));
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    open({ kubeconfig: await kubeconfig({ token: 'hunter2' }, { 'proxy-url': url }) });
    expect(await see()).toMatchObject({ authorization: 'Bearer hunter2' });
    expect(targets).toEqual([`127.0.0.1:${port}`]);
    expect(passed).not.toContain('hunter2');
    await client?.close();
    proxy.close();
  });

  it('of a kind that is not known is refused', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }, { 'proxy-url': 'socks5://127.0.0.1:1' }) });
    await expect(see()).rejects.toMatchObject({ code: 'BadConfig' });
  });
});

describe("a server's certificate", () => {
  it('of another authority is refused', async () => {
    authority = await createAuthority('two');
    open({ kubeconfig: await kubeconfig({ token: 'abc' }) });
    const message = expect.stringMatching(/^GET \/api: no answer \(\w*(CERT|SIGNATURE)\w*\)$/) as unknown;
    await expect(see()).rejects.toMatchObject({ code: 'Unreachable', message });
  });

  it('is refused even if the environment says that none is checked', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    authority = await createAuthority('two');
    open({ kubeconfig: await kubeconfig({ token: 'abc' }) });
    await expect(see()).rejects.toMatchObject({ code: 'Unreachable' });
  });

  it('is accepted from the new authority once the CA file is replaced', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }) });
    await see();
    await stopServing();
    const next = await createAuthority('two');
    await serve(next);
    await expect(see()).rejects.toMatchObject({ code: 'Unreachable' });
    await writeFile(path('ca.crt'), next.cert);
    expect(await see()).toMatchObject({ authorization: 'Bearer abc' });
  });
});

describe('in a pod', () => {
  const account = 'var/run/secrets/kubernetes.io/serviceaccount';

  beforeEach(async () => {
    await mkdir(path(account), { recursive: true });
    await writeFile(path(`${account}/ca.crt`), authority.cert);
    await writeFile(path(`${account}/token`), 'first\n');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String(port));
    open({ root: `${dir}/` });
  });

  it('the ServiceAccount of the pod is used', async () => {
    expect(await see()).toMatchObject({ authorization: 'Bearer first' });
  });

  it('its token and its CA are read again, since the kubelet replaces them', async () => {
    await see();
    await writeFile(path(`${account}/token`), 'second');
    expect(await see()).toMatchObject({ authorization: 'Bearer second' });
    // What was good a moment ago most likely still is.
    await rm(path(`${account}/token`));
    expect(await see()).toMatchObject({ authorization: 'Bearer second' });
  });

  it('anywhere else it is refused', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    expect(() => open({})).toThrow(expect.objectContaining({ code: 'BadConfig' }));
  });
});

describe('the credentials', () => {
  it('are not read for each request', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }), refreshMs: 60_000 });
    await see();
    await rm(path('ca.crt'));
    expect(await see()).toMatchObject({ authorization: 'Bearer abc' });
  });

  it('that cannot be read for a moment are used as they were', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }) });
    await see();
    await rm(path('ca.crt'));
    expect(await see()).toMatchObject({ authorization: 'Bearer abc' });
    await writeFile(path('ca.crt'), (await createAuthority('two')).cert);
    await expect(see()).rejects.toMatchObject({ code: 'Unreachable' });
  });

  it('of a closed client open nothing any more', async () => {
    open({ kubeconfig: await kubeconfig({ token: 'abc' }) });
    await see();
    await client?.close();
    await expect(see()).rejects.toMatchObject({ code: 'Aborted' });
  });
});
