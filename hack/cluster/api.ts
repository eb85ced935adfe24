import type { HttpAnswer, HttpOptions } from './http.ts';
import { http } from './http.ts';
import { readPki } from './pki.ts';

/** Calls the API server (or one of its neighbours, by URL) as the cluster's admin. */
export type AdminCall = (pathOrUrl: string, options?: HttpOptions) => Promise<HttpAnswer>;

export function adminClient(dir: string, server: string): AdminCall {
  const ca = readPki(dir, 'ca').cert;
  const admin = readPki(dir, 'admin');
  return (pathOrUrl, options) => http(new URL(pathOrUrl, server).href, { ca, ...admin, ...options });
}

export interface NodeObject {
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastHeartbeatTime?: string;
    }[];
  };
}

/**
 * Ready by the word of the kubelet that runs since `since` (not of the one before it), and without the taint that
 * keeps pods away until the node controller has seen it ready.
 */
export function nodeIsReady(node: NodeObject, since: Date): boolean {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  // The API's times are whole seconds.
  const fresh = Date.parse(ready?.lastHeartbeatTime ?? '') >= Math.floor(since.getTime() / 1000) * 1000;
  const tainted = node.spec?.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'));
  return ready?.status === 'True' && fresh && tainted !== true;
}

interface PodList {
  readonly items: readonly { readonly metadata: { readonly uid: string } }[] | null;
}

/** A kubelet learns of its pods shortly after it has started; until then logs and exec say "not found". */
export async function kubeletKnowsItsPods(admin: AdminCall, node: string, kubelet: string): Promise<boolean> {
  const uids = async (url: string): Promise<string[] | undefined> => {
    const answer = await admin(url);
    if (answer.status !== 200) return undefined;
    return (answer.json<PodList>().items ?? []).map((pod) => pod.metadata.uid);
  };
  const assigned = await uids(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`);
  const known = await uids(`${kubelet}/pods`);
  return assigned !== undefined && known !== undefined && assigned.every((uid) => known.includes(uid));
}
