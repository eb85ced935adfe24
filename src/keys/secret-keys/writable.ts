import { StatusError } from '../../aggregation/errors.ts';
import type { Caller } from '../../aggregation/resource.ts';
import { DOMAIN_LABEL, GLOBAL, KEYS_GROUP } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import { absent } from '../../kube/errors.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { DOMAIN_MISSING, refusal } from '../../resolve/permission.ts';
import { storeName } from '../../sources/kubernetes.ts';
import type { SecretKeyDependencies } from './deps.ts';
import { forbidden } from './errors.ts';
import { encodeName, type KeyRef } from './name.ts';
import { writeTo } from './rights.ts';
import { may } from '../may.ts';
import type { StorePlace } from './write.ts';

/** Why a key may not be written; the reason is for the audit. */
export interface Refusal {
  readonly reason: string;
  readonly error: StatusError;
}

export type Writable = { readonly store: StorePlace } | { readonly refused: Refusal };

/** They clear away what a deleted namespace or owner leaves behind: a store belongs to a domain, and stays. */
const CLEANERS: readonly string[] = [
  'system:serviceaccount:kube-system:namespace-controller',
  'system:serviceaccount:kube-system:generic-garbage-collector',
  'system:kube-controller-manager',
];

export interface Wish {
  readonly caller: Caller;
  readonly namespace: string;
  readonly ref: KeyRef;
}

/**
 * The store that this caller may write this key into: the one of the namespace's own domain, by the label that the
 * API server has now. Rejects with KubeError if it does not answer.
 */
export async function writable(
  { caller, namespace, ref }: Wish,
  signal: AbortSignal,
  deps: SecretKeyDependencies,
): Promise<Writable> {
  const { source } = ref;
  const refuse = (reason: string, why: string) => ({
    refused: { reason, error: forbidden(encodeName(ref), why) },
  });
  if (CLEANERS.includes(caller.user)) {
    return refuse('CleanerRefused', 'a key belongs to its domain and stays when a namespace goes');
  }
  if (source.type === 'VAULT') return refuse('ReadOnly', 'keys in Vault are written in Vault');
  if (source.id === GLOBAL) return refuse('ReadOnly', 'the global store is read-only here');

  const live = await readLive(namespace, signal, deps);
  if (!live) {
    const message = `namespaces "${namespace}" not found`;
    const details = { name: namespace, kind: 'namespaces' };
    return { refused: { reason: 'NamespaceNotFound', error: new StatusError('NotFound', message, details) } };
  }
  if (isTerminating(live)) {
    return refuse('NamespaceTerminating', `namespace ${namespace} is being deleted; its domain's keys stay`);
  }
  const domain = live.metadata.labels?.[DOMAIN_LABEL] || undefined;
  const closed = refusal(domain, source, () => undefined);
  if (domain === undefined || closed) {
    const { reason, message } = closed ?? DOMAIN_MISSING;
    return refuse(reason, message);
  }
  const name = storeName(deps.storePrefix, domain);
  if (name === undefined || domain === GLOBAL) {
    return refuse('DomainForbidden', `the namespace's label ${DOMAIN_LABEL} is no domain that has a store`);
  }
  if (!(await may(caller, writeTo(domain), signal, deps))) {
    const why = `the store of domain ${domain} is written by those who hold the verb write on domains.fairlead.dev/${domain}, beside the right to ${KEYS_GROUP} in the namespace`;
    return refuse('WriteForbidden', why);
  }
  return { store: { namespace: deps.systemNamespace, name } };
}

interface LiveNamespace extends KubeObject {
  readonly status?: { readonly phase?: string };
}

async function readLive(
  name: string,
  signal: AbortSignal,
  { client }: SecretKeyDependencies,
): Promise<LiveNamespace | undefined> {
  return client.get<LiveNamespace>(RESOURCES.namespaces, { name }, { signal }).catch(absent);
}

function isTerminating({ metadata, status }: LiveNamespace): boolean {
  return metadata.deletionTimestamp !== undefined || status?.phase === 'Terminating';
}
