/** The Kubernetes objects of the demo: like config/samples, with this run's addresses and values. */
import type { AppRole } from '../vault-admin.ts';

const SYSTEM = 'fairlead-system';
export const TEAM = 'marketing-jobs';
const API = 'fairlead.dev/v1alpha1';

export function namespace(name: string, domain: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'fairlead.dev/domain': domain } },
  };
}

export function opaque(name: string, stringData: Record<string, string>): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name, namespace: SYSTEM },
    stringData,
  };
}

export function credentials(name: string, host: string, secretId: string, bundle?: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'fairlead.dev/vault-credentials',
    metadata: {
      name,
      namespace: SYSTEM,
      annotations: {
        'fairlead.dev/vault-host': host,
        ...(bundle && { 'fairlead.dev/resource-bundle': bundle }),
      },
    },
    stringData: { secretId },
  };
}

export interface IntegrationOptions {
  readonly host: string;
  readonly path: string;
  readonly domains: readonly string[];
  readonly appRole: AppRole;
  readonly secret: string;
  readonly bundle?: string;
  readonly displayName?: string;
}

export function integration(name: string, options: IntegrationOptions): object {
  return {
    apiVersion: API,
    kind: 'VaultIntegration',
    metadata: { name, namespace: SYSTEM },
    spec: {
      displayName: options.displayName ?? name,
      host: options.host,
      path: options.path,
      ...(options.bundle && { resourceBundle: options.bundle }),
      domains: options.domains,
      auth: {
        appRole: { roleId: options.appRole.roleId, secretIdRef: { name: options.secret, key: 'secretId' } },
      },
    },
  };
}

/** Variables by name, each as `TYPE/id/key`. */
export function reference(
  name: string,
  in_: string,
  env: Record<string, `${'KUBERNETES' | 'VAULT'}/${string}/${string}`>,
): object {
  const entries = Object.entries(env).map(([variable, place]) => {
    const [type, id, key] = place.split('/');
    return { name: variable, secret: { key, source: { type, id } } };
  });
  return {
    apiVersion: API,
    kind: 'SecretReference',
    metadata: { name, namespace: in_ },
    spec: { env: entries },
  };
}

export interface PodOptions {
  readonly image: string;
  readonly references: string;
  readonly labels?: Record<string, string>;
  readonly command?: readonly string[];
}

/** Runs until it is told to stop, and then stops at once. */
const WAIT = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done'];

export function pod(
  name: string,
  in_: string,
  { image, references, labels, command = WAIT }: PodOptions,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: in_,
      ...(labels && { labels }),
      annotations: { 'fairlead.dev/secret-references': references },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image, imagePullPolicy: 'IfNotPresent', command }],
    },
  };
}
