/** What the API server says that happened in a namespace, whoever did it. */
import { setTimeout as delay } from 'node:timers/promises';
import { bareClient, type BareClient, type WatchEvent } from '../bench/bare-client.ts';

export interface Observation {
  /** When (performance.now()) each pod's gate was seen lifted. */
  readonly lifted: ReadonlyMap<string, number>;
  /**
   * The uids of all Secrets that were created for each pod, by its uid. A watch that begins before the first pod shows
   * every creation, also of what is deleted again at once.
   */
  readonly created: ReadonlyMap<string, ReadonlySet<string>>;
  end(): Promise<void>;
}

interface Seen {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly schedulingGates?: unknown };
}

export async function observe(kubeconfig: string, namespace: string): Promise<Observation> {
  const api = await bareClient(kubeconfig);
  const ending = new AbortController();
  const lifted = new Map<string, number>();
  const created = new Map<string, Set<string>>();
  const path = `/api/v1/namespaces/${namespace}`;
  const watching = [
    await follow(api, `${path}/pods`, '', ending.signal, ({ object }) => {
      const { metadata, spec } = object as unknown as Seen;
      const done = metadata.annotations?.['fairlead.dev/delivered'] && !spec?.schedulingGates;
      if (done && !lifted.has(metadata.name)) lifted.set(metadata.name, performance.now());
    }),
    await follow(api, `${path}/secrets`, 'fairlead.dev/delivery', ending.signal, ({ type, object }) => {
      const { metadata } = object as unknown as Seen;
      const owner = metadata.ownerReferences?.[0]?.uid ?? metadata.name;
      if (type !== 'ADDED') return;
      // A watch that begins anew tells again of what is there.
      created.set(owner, (created.get(owner) ?? new Set()).add(metadata.uid));
    }),
  ];
  return {
    lifted,
    created,
    end: async () => {
      ending.abort();
      await Promise.all(watching.map(async ({ done }) => done));
      await api.close();
    },
  };
}

/** Watches from now on; resolves when it has begun. Goes on where it was when the connection breaks. */
async function follow(
  api: BareClient,
  path: string,
  labels: string,
  signal: AbortSignal,
  onEvent: (event: WatchEvent) => void,
): Promise<{ done: Promise<void> }> {
  const list = (await api.call('GET', `${path}?limit=1`)) as { metadata: { resourceVersion: string } };
  let version = list.metadata.resourceVersion;
  const run = async () => {
    while (!signal.aborted) {
      const query = `watch=true&allowWatchBookmarks=true&labelSelector=${labels}&resourceVersion=${version}`;
      try {
        for await (const event of api.watch(`${path}?${query}`, signal)) {
          const seen = event.object as unknown as Seen;
          // Gone: what happened meanwhile cannot be known; those who count look at a list then.
          if (event.type === 'ERROR') version = '';
          else version = seen.metadata.resourceVersion;
          if (event.type === 'ADDED' || event.type === 'MODIFIED') onEvent(event);
        }
      } catch {
        // The API server is away; it is asked again.
      }
      if (!signal.aborted) await delay(100);
    }
  };
  return { done: run() };
}
