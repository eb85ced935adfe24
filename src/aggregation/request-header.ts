import { X509Certificate } from 'node:crypto';

/** Who may speak for users, and in which headers: what kube-apiserver publishes for extension API servers. */
export interface RequestHeaderConfig {
  /** PEM: vouches for front proxies. */
  readonly ca: string;
  readonly authorities: readonly X509Certificate[];
  /** Common names of front proxies. security: never empty. */
  readonly allowedNames: ReadonlySet<string>;
  /** Names of headers in lower case, the first one that is there counts. */
  readonly userHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

/** Where kube-apiserver publishes it. */
export const REQUEST_HEADER_CONFIG_MAP = {
  namespace: 'kube-system',
  name: 'extension-apiserver-authentication',
} as const;

export type RequestHeaderRead =
  | { readonly kind: 'config'; readonly config: RequestHeaderConfig }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * The configuration in the data of that ConfigMap, or why nobody can be believed. security: kube-apiserver takes an
 * empty list of names for "everyone with a certificate of this authority"; that is refused here, since the authority
 * may be one that signs for others, too.
 */
export function readRequestHeader(data: Readonly<Record<string, unknown>> | undefined): RequestHeaderRead {
  if (!data) return unusable('it is not there');
  const ca = data['requestheader-client-ca-file'];
  const authorities = typeof ca === 'string' ? certificates(ca) : [];
  if (typeof ca !== 'string' || authorities.length === 0)
    return unusable('requestheader-client-ca-file holds no authority');
  const names = list(data['requestheader-allowed-names'])?.filter((name) => name !== '');
  if (!names || names.length === 0) return unusable('requestheader-allowed-names is empty');
  const userHeaders = headerNames(data['requestheader-username-headers']);
  if (userHeaders.length === 0) return unusable('requestheader-username-headers is empty');
  return {
    kind: 'config',
    config: {
      ca,
      authorities,
      allowedNames: new Set(names),
      userHeaders,
      // security: older front proxies do not strip a header that they do not know.
      uidHeaders: headerNames(data['requestheader-uid-headers']),
      groupHeaders: headerNames(data['requestheader-group-headers']),
      extraPrefixes: headerNames(data['requestheader-extra-headers-prefix']),
    },
  };
}

function unusable(why: string): RequestHeaderRead {
  return { kind: 'unusable', why };
}

function headerNames(text: unknown): readonly string[] {
  return (list(text) ?? []).map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
}

function list(text: unknown): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(typeof text === 'string' ? text : '');
    return Array.isArray(parsed) && parsed.every((item) => typeof item === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The authorities of a PEM bundle. One that cannot be read makes none of them usable: it may be cut off. */
function certificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block)).filter(({ ca }) => ca);
  } catch {
    return [];
  }
}
