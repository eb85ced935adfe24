import type { Resource } from '../kube/objects.ts';
import { codeOf } from '../kube/errors.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';

/** The object by which clients know which authority to trust. Both methods reject with KubeError. */
export interface Trust {
  /** The bundles that stand there, base64; undefined if there is no such object. */
  readonly read: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** Puts this bundle there and changes nothing else; writes only if it differs. */
  readonly write: (caBundle: string, signal: AbortSignal) => Promise<void>;
}

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

/**
 * Every entry of a MutatingWebhookConfiguration. An optional one that may not be looked at counts as not there, as it does
 * with an older config/rbac.
 */
export function webhookTrust(client: KubeClient, name: string, { optional = false } = {}): Trust {
  const resource = RESOURCES.mutatingWebhooks;
  const absent = optional ? ['NotFound', 'Forbidden'] : ['NotFound'];
  const look = async (signal: AbortSignal) =>
    present<WebhookConfiguration>(client, resource, name, absent, signal);
  return {
    read: async (signal) => {
      const found = await look(signal);
      return found && (found.webhooks ?? []).flatMap(({ clientConfig }) => clientConfig.caBundle ?? []);
    },
    write: async (caBundle, signal) => {
      const all = (await look(signal))?.webhooks ?? [];
      const stale = all.filter(({ clientConfig }) => clientConfig.caBundle !== caBundle);
      if (stale.length === 0) return;
      const patch = {
        webhooks: stale.map((webhook) => ({ name: webhook.name, clientConfig: { caBundle } })),
      };
      await client.patch(resource, { name }, patch, { type: 'strategic', signal });
    },
  };
}

/** Several such objects that trust one authority; there if any is. */
export function allOf(...all: readonly Trust[]): Trust {
  return {
    read: async (signal) => {
      const found = await Promise.all(all.map(async (one) => one.read(signal)));
      return found.every((one) => one === undefined) ? undefined : found.flatMap((one) => one ?? []);
    },
    write: async (caBundle, signal) => {
      for (const one of all) await one.write(caBundle, signal);
    },
  };
}

interface ApiService extends KubeObject {
  readonly spec?: { readonly caBundle?: string };
}

/** An APIService. Without the right to look at it, it counts as not there, as it does with an older config/rbac. */
export function apiServiceTrust(client: KubeClient, name: string): Trust {
  const resource = RESOURCES.apiServices;
  const look = async (signal: AbortSignal) =>
    present<ApiService>(client, resource, name, ['NotFound', 'Forbidden'], signal);
  return {
    read: async (signal) => {
      const found = await look(signal);
      return found && (found.spec?.caBundle === undefined ? [] : [found.spec.caBundle]);
    },
    write: async (caBundle, signal) => {
      const found = await look(signal);
      if (!found || found.spec?.caBundle === caBundle) return;
      await client.patch(resource, { name }, { spec: { caBundle } }, { type: 'merge', signal });
    },
  };
}

async function present<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  name: string,
  absent: readonly string[],
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, { name }, { signal });
  } catch (error) {
    if (absent.includes(codeOf(error))) return undefined;
    throw error;
  }
}
