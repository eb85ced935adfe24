import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoleProcess } from '../../hack/fairlead.ts';
import { until } from '../support/cluster.ts';
import { platform, reference, type Platform } from '../support/platform.ts';

let p: Platform;
let namespace: string;
let admission: RoleProcess;
beforeAll(async () => {
  p = await platform('stop');
  namespace = await p.namespace('stop');
  await p.store('stop', { a: 'one' });
  await p.k.apply(reference('warehouse', namespace, { A: 'KUBERNETES/stop/a' }));
  await p.fairlead.process('admission').stop();
  admission = await p.fairlead.startRole('admission', { flags: ['--drain-seconds', '10'] });
});
afterAll(async () => p?.stop());

const REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '11111111-2222-3333-4444-555555555555',
    operation: 'CREATE',
    namespace: 'somewhere',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    object: {
      metadata: { name: 'driver', annotations: { 'fairlead.dev/secret-references': 'warehouse' } },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    },
  },
});

/** A connection to the webhook over which half of a request has gone. */
async function halfWay(): Promise<{ finish(): Promise<string> }> {
  const socket: TLSSocket = connect({
    ...{ host: p.cluster.hostAddress, port: p.fairlead.webhookPort, rejectUnauthorized: false },
  });
  await once(socket, 'secureConnect');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  const ended = once(socket, 'close');
  const head = [
    ...['POST /mutate/pods HTTP/1.1', 'Host: webhook', 'Content-Type: application/json'],
    ...[`Content-Length: ${Buffer.byteLength(REVIEW)}`, '', ''],
  ].join('\r\n');
  const middle = REVIEW.length / 2;
  socket.write(head + REVIEW.slice(0, middle));
  return {
    finish: async () => {
      socket.write(REVIEW.slice(middle));
      await ended;
      return answer;
    },
  };
}

const isReady = async () =>
  fetch(`${admission.health}/readyz`).then(
    ({ status }) => status,
    () => 0,
  );

describe('SIGTERM to an admission replica', () => {
  it('takes it out of the Service first: not ready, while what is under way and what still comes is answered', async () => {
    expect(await isReady()).toBe(200);
    const request = await halfWay();
    admission.signal('SIGTERM');
    await until('it not to be ready', async () => (await isReady()) === 503);
    const answer = await request.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).response).toMatchObject({
      ...{ allowed: true, patchType: 'JSONPatch', uid: '11111111-2222-3333-4444-555555555555' },
    });
    // By way of the API server, which knows of no other address.
    await p.pod(namespace, 'late');
    expect(await isReady()).toBe(503);
    expect(await admission.exited).toBe(0);
    await p.released(namespace, 'late');
  });

  it('and a pod that comes after its end is refused', async () => {
    await expect(p.pod(namespace, 'too-late')).rejects.toThrow('failed calling webhook');
  });
});
