import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { AdminCall } from '../api.ts';
import { ClusterError } from '../errors.ts';
import { readPki } from '../pki.ts';
import type { Service } from './services.ts';

const RETRY_MS = 200;

/** Calls `changed` with all Services, at first and after each change, until the process ends. */
export async function watchServices(
  dir: string,
  server: string,
  admin: AdminCall,
  changed: (services: readonly Service[]) => void,
): Promise<never> {
  for (;;) {
    try {
      const answer = await admin('/api/v1/services');
      if (answer.status !== 200) throw new ClusterError('HTTP', `status ${answer.status} for the Services`);
      const list = answer.json<{
        metadata: { resourceVersion: string };
        items: readonly Service[] | null;
      }>();
      const known = new Map((list.items ?? []).map((service) => [keyOf(service), service]));
      changed([...known.values()]);
      await events(dir, server, list.metadata.resourceVersion, ({ type, object }) => {
        if (type === 'DELETED') known.delete(keyOf(object));
        else known.set(keyOf(object), object);
        changed([...known.values()]);
      });
    } catch {
      // The API server is away, or the watch was too old: what is known stays valid meanwhile.
    }
    await delay(RETRY_MS);
  }
}

const keyOf = ({ metadata }: Service): string => `${metadata.namespace}/${metadata.name}`;

interface WatchEvent {
  readonly type: string;
  readonly object: Service;
}

/** Until the watch ends or says something that is no event of a Service. */
function events(
  dir: string,
  server: string,
  resourceVersion: string,
  onEvent: (event: WatchEvent) => void,
): Promise<void> {
  const url = new URL(`/api/v1/services?watch=1&resourceVersion=${resourceVersion}`, server);
  return new Promise((resolve, reject) => {
    const call = request(url, { ca: readPki(dir, 'ca').cert, ...readPki(dir, 'admin'), agent: false });
    call.on('error', reject).on('response', (response) => {
      let rest = '';
      response.setEncoding('utf8').on('error', reject).on('end', resolve);
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((line) => line !== '')) {
          const event = JSON.parse(line) as WatchEvent;
          if (!['ADDED', 'MODIFIED', 'DELETED'].includes(event.type)) {
            response.destroy(new Error('the watch has to start again'));
            return;
          }
          onEvent(event);
        }
      });
    });
    call.end();
  });
}
