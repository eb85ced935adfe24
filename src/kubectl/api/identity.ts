import type { SecureContextOptions } from 'node:tls';
import { KubeError } from '../../kube/errors.ts';
import { execCredential } from './exec-plugin.ts';
import { bytesOf, caOf } from './files.ts';
import type { Target } from './kubeconfig.ts';
import type { User } from './kubeconfig-shape.ts';

export interface Impersonation {
  readonly user?: string | undefined;
  readonly groups?: readonly string[];
}

/** How a request says who asks: TLS and headers. */
export interface Identity {
  readonly tls: SecureContextOptions & { readonly servername?: string; readonly rejectUnauthorized: boolean };
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** Reads certificates and tokens, and runs the exec plugin if there is one. Rejects with KubeError BadConfig. */
export async function identify(
  { cluster, user }: Target,
  impersonation: Impersonation,
  terminal: boolean,
): Promise<Identity> {
  if (user['auth-provider'])
    throw bad('the kubeconfig logs in by an auth-provider, which kubectl has given up for exec plugins');
  const exec = user.exec && (await execCredential(user.exec, cluster, terminal));
  const ca = caOf(cluster);
  const cert =
    exec?.clientCertificateData ?? bytesOf(user['client-certificate-data'], user['client-certificate']);
  const key = exec?.clientKeyData ?? bytesOf(user['client-key-data'], user['client-key']);
  return {
    tls: {
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says, only the kubeconfig decides.
      rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(cluster['tls-server-name'] && { servername: cluster['tls-server-name'] }),
    },
    headers: { ...authorization(user, exec?.token), ...impersonated(user, impersonation) },
  };
}

function authorization(user: User, execToken: string | undefined): Record<string, string> {
  const file = bytesOf(undefined, user.tokenFile)?.toString().trim();
  const token = file || user.token || execToken;
  if (token) return { authorization: `Bearer ${token}` };
  if (!user.username) return {};
  const basic = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
  return { authorization: `Basic ${basic}` };
}

function impersonated(
  user: User,
  { user: flag, groups = [] }: Impersonation,
): Record<string, string | string[]> {
  const name = flag ?? user.as;
  if (!name) {
    if (groups.length > 0) throw bad('--as-group needs --as');
    return {};
  }
  const all = flag === undefined && groups.length === 0 ? (user['as-groups'] ?? []) : groups;
  const ofConfig = flag === undefined ? user : {};
  const extra = Object.entries(ofConfig['as-user-extra'] ?? {}).map(([field, values]) => [
    `impersonate-extra-${encodeURIComponent(field).toLowerCase()}`,
    values,
  ]);
  return {
    'impersonate-user': name,
    ...(all.length > 0 && { 'impersonate-group': [...all] }),
    ...(ofConfig['as-uid'] && { 'impersonate-uid': ofConfig['as-uid'] }),
    ...Object.fromEntries(extra),
  };
}

function bad(message: string): KubeError {
  return new KubeError({ code: 'BadConfig', message });
}
