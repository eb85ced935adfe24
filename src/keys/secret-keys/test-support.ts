import type { Caller, ResourceRequest } from '../../aggregation/resource.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type {
  DomainNamespace,
  Integration,
  Reference,
  StorageConfig,
  SystemSecret,
} from '../../controllers/objects.ts';
import { domainNamespace } from '../../controllers/objects.ts';
import type { AccessQuestion } from '../../kube/access-review.ts';
import { KubeError } from '../../kube/errors.ts';
import { keyOf, type KubeObject, type ObjectRef, type Resource } from '../../kube/objects.ts';
import { sourceKey } from '../../resolve/place.ts';
import { sourcesOf, sourcesOfStorage } from '../../resolve/wanted.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { VaultAnswer } from '../../sources/vault/source.ts';
import type { VaultTarget } from '../../sources/vault/target.ts';
import type { SecretKeyDependencies } from './deps.ts';
import { secretKeysResource } from './index.ts';

export const SYS = 'sys';
export const ann: Caller = { user: 'ann', uid: '1', groups: ['team'], extra: { scope: ['all'] } };

const meta = (name: string, namespace?: string) => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: '1',
  ...(namespace !== undefined && { namespace }),
});

export function integration(
  name: string,
  more: Partial<VaultIntegrationSpec> = {},
  keyCount?: number,
): Integration {
  const spec: VaultIntegrationSpec = {
    displayName: name,
    host: 'https://vault.example.com:8200',
    path: `secret/data/${name}`,
    domains: ['*'],
    auth: { token: { secretRef: { name: 'login', key: 'token' } } },
    ...more,
  };
  const status = keyCount === undefined ? undefined : { keyCount };
  return { metadata: meta(name, SYS), spec, status };
}

export function store(name: string, ...keys: string[]): SystemSecret {
  return {
    metadata: meta(name, SYS),
    type: 'Opaque',
    data: Object.fromEntries(keys.map((key) => [key, btoa('planted-value')])),
  };
}

/** Each variable as `TYPE/id/key`. */
export function reference(key: string, ...secrets: string[]): Reference {
  const [namespace = '', name = ''] = key.split('/');
  const env = secrets.map((text, i) => {
    const [type, id = '', of = ''] = text.split('/');
    return { name: `V${i}`, secret: { key: of, source: { type: type as 'VAULT', id } } };
  });
  return { metadata: meta(name, namespace), spec: { env }, status: undefined };
}

/** Its secret key as `TYPE/id/key`. */
export function storage(key: string, secret: string): StorageConfig {
  const [namespace = '', name = ''] = key.split('/');
  const [type, id = '', of = ''] = secret.split('/');
  const storageSecret = { key: of, source: { type: type as 'VAULT', id } };
  return { metadata: meta(name, namespace), spec: { type: 's3', storageSecret }, status: undefined };
}

/** What the cluster and Vault are like in a test. */
export interface Setting {
  /** Namespace to domain. */
  readonly namespaces?: Readonly<Record<string, string | undefined>>;
  readonly stores?: readonly SystemSecret[];
  readonly integrations?: readonly Integration[];
  readonly references?: readonly Reference[];
  readonly storages?: readonly StorageConfig[];
  readonly credentials?: readonly SystemSecret[];
  readonly clock?: Clock;
  readonly vault?: (target: VaultTarget, signal: AbortSignal, notBefore: number) => Promise<VaultAnswer>;
  readonly may?: (question: AccessQuestion) => boolean | Promise<boolean>;
  readonly staleness?: number;
  readonly allowed?: Partial<SecretKeyDependencies['allowed']>;
  readonly audit?: Partial<SecretKeyDependencies['audit']>;
  readonly problem?: string;
}

export function fields(...names: string[]): VaultAnswer {
  const found = new Map(names.map((name) => [name, 'planted-value']));
  return { kind: 'fields', location: 'vault', fields: found };
}

/** The resource on a cluster that stands still, and what it did there. */
export function lab(setting: Setting = {}) {
  const { namespaces = { 'team-a': 'marketing' }, staleness = 0, clock = stillClock() } = setting;
  const raw = Object.entries(namespaces).map(([name, domain]) => ({
    metadata: { ...meta(name), ...(domain !== undefined && { labels: { 'fairlead.dev/domain': domain } }) },
  }));
  const watched = <T extends { readonly metadata: { readonly name: string; readonly namespace?: string } }>(
    objects: readonly T[] = [],
  ) => ({
    get: (key: string) => objects.find((one) => keyOf(one) === key),
    list: () => objects,
    byIndex: (_: string, value: string) =>
      objects.filter((one) =>
        [
          ...sourcesOf((one as unknown as Reference).spec),
          ...sourcesOfStorage((one as unknown as StorageConfig).spec),
        ].some((s) => sourceKey(s) === value),
      ),
    hasSynced: () => true,
    stalenessMs: () => staleness,
    onChange: () => () => undefined,
  });
  const login: SystemSecret = {
    metadata: {
      ...meta('login', SYS),
      annotations: { 'fairlead.dev/vault-host': 'https://vault.example.com:8200' },
    },
    type: 'fairlead.dev/vault-credentials',
    data: { token: btoa('hvs.planted'), secretId: btoa('planted-id') },
  };
  const asked: AccessQuestion[] = [];
  const reads: string[] = [];
  const targets: VaultTarget[] = [];
  const gets: string[] = [];
  const audited: AuditRecord[] = [];
  const noted: AuditRecord[] = [];
  const all = new Map<string, KubeObject | SystemSecret>([
    ...raw.map((one) => [`namespaces ${one.metadata.name}`, one] as const),
    ...(setting.stores ?? []).map((one) => [`secrets ${keyOf(one)}`, one] as const),
  ]);
  const deps = {
    clock,
    systemNamespace: SYS,
    storePrefix: 'stores',
    allowed: { vaultHosts: [], allowHttp: false, tokenAudiences: [], ...setting.allowed },
    world: {
      namespaces: watched<DomainNamespace>(raw.map(domainNamespace)),
      stores: watched(setting.stores),
      integrations: watched(setting.integrations),
      references: watched(setting.references),
      storages: watched(setting.storages),
      credentials: watched(setting.credentials ?? [login]),
      certificates: watched(),
      serviceAccounts: watched(),
      configMaps: watched(),
    },
    client: {
      get: async ({ plural }: Resource, { namespace, name }: ObjectRef) => {
        const key = `${plural} ${namespace === undefined ? name : `${namespace}/${name}`}`;
        gets.push(key);
        const found = all.get(key);
        if (!found) throw new KubeError({ code: 'NotFound', message: 'none', status: 404 });
        return found;
      },
      create: async () => Promise.reject(new Error('nothing is written here')),
      replace: async () => Promise.reject(new Error('nothing is written here')),
    },
    reviews: {
      allowed: async (question: AccessQuestion) => {
        asked.push(question);
        return setting.may?.(question) ?? true;
      },
    },
    vault: {
      read: async (
        target: VaultTarget,
        { signal, notBefore }: { signal: AbortSignal; notBefore: number },
      ) => {
        signal.throwIfAborted();
        reads.push(target.name);
        targets.push(target);
        return setting.vault?.(target, signal, notBefore) ?? fields(`${target.name}-key`);
      },
    },
    audit: {
      intend: async (records: readonly AuditRecord[]) => void audited.push(...records),
      conclude: async (record: AuditRecord) => void audited.push(record),
      note: async (record: AuditRecord) => void noted.push(record),
      ...setting.audit,
    },
    guard: {
      problem: () =>
        setting.problem === undefined ? undefined : { reason: 'DeliveryRefused', message: setting.problem },
    },
  } as unknown as SecretKeyDependencies;
  const resource = secretKeysResource(deps);
  const request = (more: Partial<ResourceRequest>): ResourceRequest => ({
    verb: 'list',
    caller: ann,
    namespace: 'team-a',
    dryRun: false,
    fieldSelector: [],
    signal: new AbortController().signal,
    ...more,
  });
  const call = async <V extends 'list' | 'get' | 'create' | 'update' | 'delete'>(
    verb: V,
    more: Partial<ResourceRequest> = {},
  ) => {
    const handler = resource[verb];
    if (!handler) throw new Error(`no ${verb}`);
    return handler(request({ verb, ...more })) as ReturnType<NonNullable<(typeof resource)[V]>>;
  };
  return { deps, resource, call, asked, reads, targets, gets, audited, noted };
}

/** `namespace KEY` of a list, as short as a table needs it. */
export function names(
  items: readonly { readonly metadata: { name?: string; namespace?: string } }[],
): string[] {
  return items.map(({ metadata }) => `${metadata.namespace} ${metadata.name}`);
}

function stillClock(): Clock {
  return {
    now: () => 10_000,
    wall: () => new Date('2026-01-01T00:00:00Z'),
    setTimeout: () => () => undefined,
    sleep: async () => undefined,
  };
}
