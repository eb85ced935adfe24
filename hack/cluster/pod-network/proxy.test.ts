import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../ports.ts';
import { ServiceProxy } from './proxy.ts';
import type { Endpoint, Service, Services } from './services.ts';

let upstream: Server;
let proxy: ServiceProxy;
let ready: Endpoint[];
let port: number;
const services: Services = { get: async () => undefined, endpoints: async () => ready };
const service = (spec: Service['spec']): Service => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec,
});

beforeEach(async () => {
  upstream = createServer({ allowHalfOpen: true }, (socket) => {
    // Answers when it has read all: what comes after the other side has said its last word still arrives.
    let read = '';
    socket.on('data', (chunk) => (read += chunk.toString())).on('end', () => socket.end(`got ${read}`));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port: target } = upstream.address() as AddressInfo;
  ready = [{ address: '127.0.0.1', hostname: undefined, ports: [{ name: 'http', port: target }] }];
  ({ port } = await freePorts(['port']));
  proxy = new ServiceProxy(services, { host: '127.0.0.1', port: target }, () => {});
});
afterEach(() => {
  proxy.sync([]);
  upstream.close();
});

/** What comes back for `hello`; `refused` when nobody listens, `reset` when the connection is cut. */
async function say(): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.end('hello');
  try {
    await once(socket, 'close');
    return answer;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'reset';
  }
}
const web = () => service({ clusterIP: '127.0.0.1', ports: [{ name: 'http', port }] });

describe("a Service's address", () => {
  it('leads to a ready endpoint, for as long as the Service is there', async () => {
    expect(await say()).toBe('refused');
    proxy.sync([web()]);
    expect(await say()).toBe('got hello');
    proxy.sync([]);
    expect(await say()).toBe('refused');
  });

  it('is cut where there is no endpoint, and works once there is one', async () => {
    proxy.sync([web()]);
    const later = ready;
    ready = [];
    expect(await say()).toBe('reset');
    ready = later;
    expect(await say()).toBe('got hello');
  });

  it('leads to the API server for the Service that has no endpoints', async () => {
    ready = [];
    proxy.sync([{ ...web(), metadata: { name: 'kubernetes', namespace: 'default' } }]);
    expect(await say()).toBe('got hello');
  });

  it.each([
    ['headless', { clusterIP: 'None' }],
    ['an ExternalName', { type: 'ExternalName' }],
    ['for UDP', { clusterIP: '127.0.0.1', ports: [{ name: 'http', port: 1, protocol: 'UDP' }] }],
  ])('is none of ours when it is %s', async (_, spec) => {
    proxy.sync([service(spec)]);
    expect(await say()).toBe('refused');
  });
});
