import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import type { SourceFailure } from '../source.ts';
import { isRefusedAddress, literalAddress, normalizeOrigin } from './address.ts';
import { identity, loginMethods, type GetSecret, type LoginMethod, type Refusal } from './credentials.ts';
import { fingerprint } from './hidden.ts';
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

/** All that it takes to read the path of one integration. */
export interface VaultTarget extends VaultPath {
  readonly kind: 'target';
  /** metadata.name of the integration. */
  readonly name: string;
  /** Same server, namespace, CA and credentials: one connection, one token. */
  readonly connectionId: string;
  /** Same connection and path: one request answers all. */
  readonly readId: string;
  /** Changes when somebody writes a credentials Secret again, even with the same credential. */
  readonly revision: string;
  readonly origin: string;
  readonly namespace?: string;
  readonly caBundle?: string;
  /** The operator listed the origin, so that its addresses are not checked. */
  readonly listed: boolean;
  /** In the order in which they are tried; never empty. */
  readonly methods: readonly LoginMethod[];
  /** Below /v1/, encoded. */
  readonly apiPath: string;
  /** Of the secret; absent: the latest. */
  readonly version?: number;
  readonly location: string;
}

export interface IntegrationLike {
  readonly name: string;
  readonly spec: VaultIntegrationSpec;
}

export interface TargetOptions {
  /** Origins that integrations may name; empty: every https origin. */
  readonly vaultHosts: readonly string[];
}

/** The target of an integration, or why there is none. Pure: asks only the cache that `getSecret` stands for. */
export function vaultTarget(
  { name, spec }: IntegrationLike,
  getSecret: GetSecret,
  { vaultHosts }: TargetOptions,
  place: Place = {},
): VaultTarget | SourceFailure {
  const origin = normalizeOrigin(spec.host);
  const base = parsePath(spec.path);
  const { namespace: given, tls } = spec;
  const namespace = given?.replace(/\/$/, '');
  const location = `Vault path ${spec.path} at ${origin ?? 'spec.host'}`;
  const fail = (refusal: Refusal): SourceFailure => ({ kind: 'failed', location, ...refusal });

  if (origin === undefined) return fail(NO_ORIGIN);
  const listed = vaultHosts.some((host) => normalizeOrigin(host) === origin);
  const refused = refusedHost(origin, listed, vaultHosts.length > 0) ?? refusedNamespace(namespace);
  if (refused) return fail(refused);
  if (!base) return fail({ reason: 'NotKVv2', message: PATH_HELP });
  const path = parseBelow(base, place.path);
  if (!path) return fail({ reason: 'PathNotFound', message: BELOW_HELP });

  const methods = loginMethods(spec, origin, getSecret);
  const [problem] = methods.problems;
  if (methods.usable.length === 0) return fail(problem ?? NO_METHOD);

  const connection = [origin, namespace, tls?.caBundle, ...methods.usable.flatMap(identity)];
  return {
    kind: 'target',
    name,
    connectionId: fingerprint(connection),
    readId: fingerprint([...connection, apiPath(path), `${place.version ?? 'latest'}`]),
    revision: methods.usable.map(({ revision }) => revision).join(' '),
    origin,
    ...(namespace !== undefined && { namespace }),
    ...(tls?.caBundle !== undefined && { caBundle: tls.caBundle }),
    listed,
    methods: methods.usable,
    ...path,
    apiPath: apiPath(path),
    ...(place.version !== undefined && { version: place.version }),
    location: `${origin}/v1/${apiPath(path)}${namespace === undefined ? '' : ` in namespace ${namespace}`}`,
  };
}

const NO_ORIGIN: Refusal = {
  reason: 'NotSupportedHere',
  message: 'spec.host must be an origin such as https://vault.example.com:8200',
};
const NO_METHOD: Refusal = {
  reason: 'NotSupportedHere',
  message: 'spec.auth must have at least one login method: appRole or token',
};

function refusedHost(origin: string, listed: boolean, isList: boolean): Refusal | undefined {
  if (listed) return undefined;
  const reason = 'NotSupportedHere';
  if (isList) {
    return { reason, message: `the operator does not allow the host ${origin} (--vault-hosts)` };
  }
  if (origin.startsWith('http:')) {
    return {
      reason,
      message: `the host ${origin} is without TLS: use https, or have the operator list it in --vault-hosts`,
    };
  }
  const address = literalAddress(origin);
  if (address === undefined || !isRefusedAddress(address)) return undefined;
  return {
    reason,
    message: `the host ${origin} is a loopback, link-local, multicast or metadata address: correct spec.host, or have the operator list it in --vault-hosts`,
  };
}

/** It goes into a header, where the server splits it like a path. */
function refusedNamespace(namespace: string | undefined): Refusal | undefined {
  if (namespace === undefined || (isPlainPath(namespace) && /^[\x21-\x7e]+$/.test(namespace)))
    return undefined;
  return {
    reason: 'NamespaceNotFound',
    message: 'spec.namespace must be a HashiCorp namespace path such as team-a or team-a/dev',
  };
}
