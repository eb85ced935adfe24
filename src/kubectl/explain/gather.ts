import { REFERENCES_ANNOTATION, STORAGE_ANNOTATION } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import { listedNames } from '../../admission/pod.ts';
import { KubeError } from '../../kube/errors.ts';
import type { Resource } from '../../kube/objects.ts';
import { sourcesOf, sourcesOfStorage } from '../../resolve/wanted.ts';
import { mayI } from '../api/access.ts';
import type { Api } from '../api/api.ts';
import { found, rightTo, see, type Seen } from '../api/see.ts';
import type {
  Known,
  SeenEvent,
  SeenIntegration,
  SeenNamespace,
  SeenPod,
  SeenReference,
  SeenStorage,
} from './known.ts';

const EVENTS: Resource = { group: '', version: 'v1', plural: 'events', namespaced: true };
/** Somebody may name many; the API server is asked for so many at once. */
const AT_ONCE = 8;

/** What is known about a pod that exists. Rejects with KubeError. */
export async function aboutPod(api: Api, pod: SeenPod, systemNamespace: string): Promise<Known> {
  const { annotations = {} } = pod.metadata;
  const named = async <T>(by: string, resource: Resource) =>
    inOrder<T>(api, resource, listedNames(annotations[by] ?? ''));
  const references = await named<SeenReference>(REFERENCES_ANNOTATION, RESOURCES.secretReferences);
  const storages = await named<SeenStorage>(STORAGE_ANNOTATION, RESOURCES.storageConfigs);
  return { pod, ...(await around(api, 'Pod', pod, { references, storages }, systemNamespace)) };
}

async function inOrder<T>(api: Api, resource: Resource, names: readonly string[]) {
  const objects = new Map<string, Seen<T>>(names.map((name) => [name, { kind: 'absent' }]));
  await eachOf(names, async (name) => {
    objects.set(name, await see<T>(api, resource, { namespace: api.namespace, name }));
  });
  return objects;
}

/** What is known about a reference that exists. Rejects with KubeError. */
export async function aboutReference(
  api: Api,
  reference: SeenReference,
  systemNamespace: string,
): Promise<Known> {
  const only = new Map([[reference.metadata.name, { kind: 'found' as const, object: reference }]]);
  return around(
    api,
    'SecretReference',
    reference,
    { references: only, storages: new Map() },
    systemNamespace,
  );
}

/** What is known about a storage that exists. Rejects with KubeError. */
export async function aboutStorage(api: Api, storage: SeenStorage, systemNamespace: string): Promise<Known> {
  const only = new Map([[storage.metadata.name, { kind: 'found' as const, object: storage }]]);
  return around(api, 'StorageConfig', storage, { references: new Map(), storages: only }, systemNamespace);
}

async function around(
  api: Api,
  kind: string,
  object: SeenPod | SeenReference | SeenStorage,
  { references, storages }: Pick<Known, 'references' | 'storages'>,
  systemNamespace: string,
): Promise<Known> {
  const { namespace } = api;
  const sources = [
    ...[...references.values()].flatMap((seen) => sourcesOf(found(seen)?.spec ?? {})),
    ...[...storages.values()].flatMap((seen) => sourcesOfStorage(found(seen)?.spec ?? {})),
  ];
  const ids = [...new Set(sources.filter(({ type }) => type === 'VAULT').map(({ id }) => id))];
  const integrations = new Map<string, Seen<SeenIntegration>>();
  const use = new Map<string, 'yes' | 'no' | 'unknown'>();
  const [ofNamespace, events] = await Promise.all([
    see<SeenNamespace>(api, RESOURCES.namespaces, { name: namespace }),
    eventsOf(api, kind, object.metadata),
    eachOf(ids, async (id) => {
      const ref = { namespace: systemNamespace, name: id };
      integrations.set(id, await see<SeenIntegration>(api, RESOURCES.vaultIntegrations, ref));
      use.set(id, await mayI(api, { verb: 'use', resource: RESOURCES.vaultIntegrations, ...ref }));
    }),
  ]);
  return { namespace, systemNamespace, ofNamespace, references, storages, integrations, use, events };
}

async function eventsOf(
  api: Api,
  kind: string,
  { name, uid = '' }: SeenPod['metadata'],
): Promise<Seen<readonly SeenEvent[]>> {
  const about = [`involvedObject.kind=${kind}`, `involvedObject.name=${name}`, `involvedObject.uid=${uid}`];
  const query = { limit: 100, fieldSelector: about.join(',') };
  try {
    const { items = [] } = await api.list<{ items?: readonly SeenEvent[] }>(EVENTS, api.namespace, query);
    return { kind: 'found', object: items };
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 'Forbidden') throw error;
    return { kind: 'hidden', needs: rightTo('list', EVENTS, api.namespace) };
  }
}

async function eachOf(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  for (let i = 0; i < names.length; i += AT_ONCE) await Promise.all(names.slice(i, i + AT_ONCE).map(work));
}
