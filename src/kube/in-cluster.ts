import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';

/** What credentials are made of: a server, and what a connection to it needs. client-node's KubeConfig is one, too. */
export interface Login {
  getCurrentCluster(): {
    readonly server: string;
    readonly skipTLSVerify?: boolean;
    readonly proxyUrl?: string | undefined;
  } | null;
  /** Puts CA, certificate and headers into the options. Rejects if a file cannot be read. */
  applyToHTTPSOptions(options: RequestOptions): Promise<unknown>;
}

/**
 * A pod's own ServiceAccount. Three files and two variables: client-node does it just so, but loading it costs every pod
 * of Fairlead 40 MB and half a second of processor time.
 */
export function inCluster(env: Readonly<Record<string, string | undefined>>, root = ''): Login {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const folder = `${root}/var/run/secrets/kubernetes.io/serviceaccount`;
  return {
    getCurrentCluster: () => ({ server }),
    applyToHTTPSOptions: async (options) => {
      // Both are replaced on disk while we run.
      const [ca, token] = await Promise.all([
        readFile(`${folder}/ca.crt`),
        readFile(`${folder}/token`, 'utf8'),
      ]);
      options.ca = ca;
      options.headers = { ...(options.headers as object), authorization: `Bearer ${token.trim()}` };
    },
  };
}
