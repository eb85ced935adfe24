import type { ScopedTokens } from '../../api/vault-auth.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import type { SourceFailure } from '../source.ts';
import { isRefusedAddress, literalAddress, normalizeOrigin } from './address.ts';
import { isRefusal, type Refusal, type SystemObjects } from './credentials.ts';
import { fingerprint } from './hidden.ts';
import { identity, loginMethods, type LoginMethod, type UnusableMethod } from './methods.ts';
import {
  apiPath,
  BELOW_HELP,
  isPlainPath,
  parseBelow,
  parsePath,
  PATH_HELP,
  type Place,
  type VaultPath,
} from './path.ts';
import { tlsMaterial, type TlsMaterial } from './tls.ts';
import type { TrustedOrigin } from './transport.ts';

/** All that it takes to read one path of one integration. */
export interface VaultTarget extends VaultPath {
  readonly kind: 'target';
  /** metadata.name of the integration. */
  readonly name: string;
  /** Same server, trust and client certificate: one pool of connections, one circuit. */
  readonly serverId: string;
  /** Same server, login namespace and credentials: one token. */
  readonly connectionId: string;
  /** Same connection, namespace, path and version: one request answers all. */
  readonly readId: string;
  /** Changes when somebody writes a credentials Secret again, even with the same credential. */
  readonly revision: string;
  readonly origin: string;
  /** Where redirects may lead. */
  readonly redirects: readonly TrustedOrigin[];
  /** Of the path. */
  readonly namespace?: string;
  /** Of the login. */
  readonly loginNamespace?: string;
  /** The resource bundle, to which the credentials are bound. */
  readonly bundle?: string | undefined;
  readonly tls: TlsMaterial;
  /** The operator listed the origin, so that its addresses are not checked. */
  readonly listed: boolean;
  /** In the order in which they are tried; never empty. */
  readonly methods: readonly LoginMethod[];
  /** Those that the integration names, too, but that cannot even be tried. */
  readonly unusable: readonly UnusableMethod[];
  readonly scopedTokens?: ScopedTokens;
  /** Below /v1/, encoded. */
  readonly apiPath: string;
  /** Of the secret; absent: the latest. */
  readonly version?: number;
  /** Where it lies below the integration. */
  readonly place: Place;
  readonly location: string;
}

export interface IntegrationLike {
  readonly name: string;
  readonly spec: VaultIntegrationSpec;
}

/** What the operator allows. */
export interface TargetOptions {
  /** Origins that integrations may name; empty: every origin. */
  readonly vaultHosts: readonly string[];
  /** Whether an origin may be without TLS. */
  readonly allowHttp: boolean;
  /** Audiences that tokens of ServiceAccounts may be made for. */
  readonly tokenAudiences: readonly string[];
}

/** The target of an integration, or why there is none. Pure: asks only the caches that `objects` stands for. */
export function vaultTarget(
  { name, spec }: IntegrationLike,
  objects: SystemObjects,
  options: TargetOptions,
  place: Place = {},
): VaultTarget | SourceFailure {
  const origin = normalizeOrigin(spec.host);
  const location = `Vault path ${spec.path} at ${origin ?? 'spec.host'}`;
  const fail = (refusal: Refusal): SourceFailure => ({
    kind: 'failed',
    location,
    reason: refusal.reason,
    message: refusal.message,
  });

  if (origin === undefined) return fail(NO_ORIGIN);
  const hosts = [origin, ...(spec.redirectHosts ?? []).map((host) => normalizeOrigin(host) ?? '')];
  const namespace = spec.namespace?.replace(/\/$/, '');
  const loginNamespace = spec.auth.namespace?.replace(/\/$/, '') ?? namespace;
  const refused =
    hosts.map((host) => refusedHost(host, options)).find(isRefusal) ??
    refusedRedirect(hosts) ??
    refusedNamespace(namespace) ??
    refusedNamespace(loginNamespace);
  if (refused) return fail(refused);
  const base = parsePath(spec.path);
  if (!base) return fail({ reason: 'NotKVv2', message: PATH_HELP });
  const path = parseBelow(base, place.path);
  if (!path) return fail({ reason: 'PathNotFound', message: BELOW_HELP });

  const tls = tlsMaterial(spec.tls, objects, { origin, bundle: spec.resourceBundle });
  if (isRefusal(tls)) return fail(tls);
  const { usable, unusable } = loginMethods(spec, origin, objects, options);
  if (usable.length === 0) return fail(noMethod(unusable));

  const [main, ...redirects] = hosts.map((host) => ({ origin: host, listed: isListed(host, options) }));
  const { scopedTokens } = spec;
  const server = [tls.caId, tls.client?.certificate, tls.client?.key, JSON.stringify([main, redirects])];
  const connection = [...server, loginNamespace, spec.resourceBundle, ...usable.flatMap(identity)];
  const read = [namespace, apiPath(path), `${place.version}`, JSON.stringify(scopedTokens ?? null)];
  return {
    kind: 'target',
    name,
    serverId: fingerprint(server),
    connectionId: fingerprint(connection),
    readId: fingerprint([...connection, ...read]),
    revision: usable.map(({ revision }) => revision).join(' '),
    origin,
    redirects,
    ...(namespace !== undefined && { namespace }),
    ...(loginNamespace !== undefined && { loginNamespace }),
    bundle: spec.resourceBundle,
    place,
    tls,
    listed: main?.listed === true,
    methods: usable,
    unusable,
    ...(scopedTokens && { scopedTokens }),
    ...path,
    apiPath: apiPath(path),
    ...(place.version !== undefined && { version: place.version }),
    location: locationOf(origin, namespace, path, place),
  };
}

function locationOf(
  origin: string,
  namespace: string | undefined,
  path: VaultPath,
  { version }: Place,
): string {
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  return `${origin}/v1/${apiPath(path)}${version === undefined ? '' : `?version=${version}`}${where}`;
}

const NO_ORIGIN: Refusal = {
  reason: 'NotSupportedHere',
  message: 'spec.host must be an origin such as https://vault.example.com:8200',
};
const NO_METHOD: Refusal = {
  reason: 'NotSupportedHere',
  message: 'spec.auth must have at least one login method',
};

/** With one method its own words; with several each by name, so that all can be mended at once. */
function noMethod(unusable: readonly UnusableMethod[]): Refusal {
  const [first, ...others] = unusable;
  if (!first || others.length === 0) return first ?? NO_METHOD;
  const message = `no login method can be tried: ${unusable.map((one) => `${one.method}: ${one.message}`).join('; ')}`;
  return { reason: first.reason, message };
}

function isListed(origin: string, { vaultHosts }: TargetOptions): boolean {
  return vaultHosts.some((host) => normalizeOrigin(host) === origin);
}

/** Why this origin may not be connected to; '' is none. */
export function refusedHost(origin: string, options: TargetOptions): Refusal | undefined {
  const reason = 'NotSupportedHere';
  if (origin === '') return NO_ORIGIN;
  if (origin.startsWith('http:') && !options.allowHttp) {
    return {
      reason,
      message: `the host ${origin} is without TLS: use https (or the operator --allow-http-vault)`,
    };
  }
  if (isListed(origin, options)) return undefined;
  if (options.vaultHosts.length > 0) {
    return { reason, message: `the operator does not allow the host ${origin} (--vault-hosts)` };
  }
  const address = literalAddress(origin);
  if (address === undefined || !isRefusedAddress(address)) return undefined;
  return {
    reason,
    message: `the host ${origin} is a loopback, link-local, multicast or metadata address: correct spec.host, or have the operator list it in --vault-hosts`,
  };
}

/** A token that was sent over TLS must not go on without it. */
function refusedRedirect([origin = '', ...redirects]: readonly string[]): Refusal | undefined {
  const bare = redirects.find((host) => origin.startsWith('https:') && !host.startsWith('https:'));
  if (bare === undefined) return undefined;
  return {
    reason: 'NotSupportedHere',
    message: `spec.redirectHosts must not lead from https to ${bare}: use https there, too`,
  };
}

/** It goes into a header, where the server splits it like a path. */
export function refusedNamespace(namespace: string | undefined): Refusal | undefined {
  if (namespace === undefined || (isPlainPath(namespace) && /^[\x21-\x7e]+$/.test(namespace)))
    return undefined;
  return {
    reason: 'NamespaceNotFound',
    message:
      'spec.namespace and spec.auth.namespace must be a HashiCorp namespace path such as team-a or team-a/dev',
  };
}
