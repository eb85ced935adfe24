import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { createRequire } from 'node:module';
import { isIPv6 } from 'node:net';
import type * as ClientNode from '@kubernetes/client-node';
import { KubeError } from './errors.ts';

/** A server, and who asks it. */
export interface Access {
  readonly server: string | undefined;
  readonly skipTlsVerify: boolean;
  readonly proxyUrl: string | undefined;
  /** TLS and headers as they are now; rejects if a file cannot be read. */
  options(): Promise<RequestOptions>;
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The pod's ServiceAccount, as every client library finds it. Not by client-node, whose models of all kinds take 60 MB and
 * a second of the start of each process in a cluster. Throws KubeError BadConfig outside of a pod.
 */
export function podAccess(root = ''): Access {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
  if (!host) throw badConfig('no kubeconfig was given and this is no pod');
  const file = async (name: string) => readFile(`${root}${ACCOUNT}/${name}`);
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    skipTlsVerify: false,
    proxyUrl: undefined,
    // Both are replaced on disk by the kubelet.
    options: async () => {
      const [ca, token] = await Promise.all([file('ca.crt'), file('token')]);
      return { ca, headers: { authorization: `Bearer ${token.toString('utf8').trim()}` } };
    },
  };
}

/** The current context of a kubeconfig, or another, by client-node. Throws KubeError BadConfig; nothing of it is quoted. */
export function kubeconfigAccess(path: string, context: string | undefined): Access {
  // Loaded here, where it is needed, and at once, so that whoever connects need not wait.
  const { KubeConfig } = createRequire(import.meta.url)('@kubernetes/client-node') as typeof ClientNode;
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
    if (context !== undefined) config.setCurrentContext(context);
  } catch {
    // The YAML parser quotes the line it stumbles over, which can be a token.
    throw badConfig('the kubeconfig cannot be read');
  }
  const cluster = config.getCurrentCluster();
  return {
    server: cluster?.server,
    skipTlsVerify: cluster?.skipTLSVerify ?? false,
    proxyUrl: cluster?.proxyUrl,
    options: async () => {
      const options: RequestOptions = { headers: {} };
      await config.applyToHTTPSOptions(options);
      return options;
    },
  };
}

export function badConfig(message: string): KubeError {
  return new KubeError({ code: 'BadConfig', message });
}
