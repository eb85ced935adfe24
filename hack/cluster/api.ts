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
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Ready, and the taint is gone that keeps pods away until the node controller has seen it ready. */
export function nodeIsReady(node: NodeObject): boolean {
  const ready = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  const tainted = node.spec?.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'));
  return ready === true && tainted !== true;
}
