import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { serveDns } from './dns.ts';
import { A, parseQuery } from './dns-message.ts';
import type { Resolved } from './names.ts';

const AAAA = 28;

/** A query as a resolver sends it: id 7, recursion desired. */
function query(name: string, type = A): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const header = Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, type, 0, 1])]);
}

/** What the server answers: its code, the addresses, and the letters of the name that it repeats. */
async function ask(message: Buffer, resolved: Resolved) {
  const asked: string[] = [];
  const server = await serveDns('127.0.0.1', 0, async (name) => {
    asked.push(name);
    return resolved;
  });
  const client = createSocket('udp4');
  client.send(message, server.port, '127.0.0.1');
  const [answer] = (await once(client, 'message')) as [Buffer];
  client.close();
  await server.close();
  const count = answer.readUInt16BE(6);
  const records = answer.subarray(message.length);
  const addresses = Array.from({ length: count }, (_, index) =>
    [...records.subarray(index * 16 + 12, index * 16 + 16)].join('.'),
  );
  const repeated = answer.subarray(12, message.length).equals(message.subarray(12));
  return { asked, id: answer.readUInt16BE(0), rcode: answer.readUInt16BE(2) & 15, addresses, repeated };
}

describe('the name server of the pods', () => {
  const found = { kind: 'addresses', addresses: ['10.1.2.3', '10.255.0.4'] } as const;

  it('answers with the addresses, to the question as it was spelled', async () => {
    expect(await ask(query('Web.default.SVC.cluster.local'), found)).toEqual({
      asked: ['web.default.svc.cluster.local'],
      id: 7,
      rcode: 0,
      addresses: ['10.1.2.3', '10.255.0.4'],
      repeated: true,
    });
  });

  it('has no IPv6 address for a name that exists, which is not the same as no such name', async () => {
    expect(await ask(query('web.default.svc.cluster.local', AAAA), found)).toMatchObject({
      rcode: 0,
      addresses: [],
    });
  });

  it('says that a name does not exist, and that it could not find out', async () => {
    expect(await ask(query('example.com'), { kind: 'no such name' })).toMatchObject({ rcode: 3 });
    expect(await ask(query('web.a.svc.cluster.local'), { kind: 'failed' })).toMatchObject({ rcode: 2 });
  });

  it('keeps an answer below the size that every client takes', async () => {
    const addresses = Array.from({ length: 200 }, (_, index) => `10.0.0.${index}`);
    const answer = await ask(query('many.a.svc.cluster.local'), { kind: 'addresses', addresses });
    expect(answer.addresses).toHaveLength(24);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a header alone', Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])],
    ['a name that does not end', query('web').subarray(0, 15)],
    ['an answer', Buffer.from([0, 7, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1])],
    ['a compressed name', Buffer.concat([query('web').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])],
  ])('leaves %s alone', (_, message) => {
    expect(parseQuery(message)).toBeUndefined();
  });
});
