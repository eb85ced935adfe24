import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { answerTo, parseQuery, Rcode } from './dns-message.ts';
import type { Resolved } from './names.ts';

/**
 * The pods' name server. It knows the cluster's Services and nothing else: names of the world outside do not exist,
 * said at once, because nothing of it can be reached from a pod.
 */
export async function serveDns(
  address: string,
  port: number,
  resolve: (name: string) => Promise<Resolved>,
): Promise<{ port: number; close(): Promise<void> }> {
  const socket = createSocket('udp4');
  socket.on('message', (message, client) => {
    const question = parseQuery(message);
    if (question === undefined) return;
    void resolve(question.name).then((found) => {
      const answer =
        found.kind === 'addresses'
          ? answerTo(question, Rcode.ok, found.addresses)
          : answerTo(question, found.kind === 'failed' ? Rcode.serverFailure : Rcode.noSuchName);
      // A client that is gone is none of our business.
      socket.send(answer, client.port, client.address, () => {});
    });
  });
  socket.bind({ address, port, exclusive: true });
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}
