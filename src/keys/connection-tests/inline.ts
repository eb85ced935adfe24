import type { FieldCause } from '../../aggregation/errors.ts';
import type { InlineIntegration } from '../../api/connection-test.ts';
import { BUNDLE_ANNOTATION, CREDENTIALS_TYPE, VAULT_HOST_ANNOTATION } from '../../api/names.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import { normalizeOrigin } from '../../sources/vault/address.ts';
import { HEADER, LINES, TEXT, type SystemObjects } from '../../sources/vault/credentials.ts';
import { isPlainPath } from '../../sources/vault/path.ts';
import {
  refusedHost,
  refusedNamespace,
  vaultTarget,
  type TargetOptions,
  type VaultTarget,
} from '../../sources/vault/target.ts';
import { namespaceCause, placeCauses } from './parse.ts';

const AT = 'spec.integration';

/**
 * The target of an integration whose credentials stand in it, or what is wrong with which field. The rules are those
 * that the CRD, the policies and the resolver have for a VaultIntegration.
 */
export function inlineTarget(
  given: InlineIntegration,
  allowed: TargetOptions,
): VaultTarget | readonly FieldCause[] {
  const causes = [
    ...hostCauses(given.host, allowed),
    ...placeCauses(given.path, given.namespace, AT),
    ...authCauses(given.auth),
    ...tlsCauses(given),
    ...ttlCauses(given.scopedTokens?.ttl),
  ];
  if (causes.length > 0) return causes;
  const { spec, objects } = asIntegration(given);
  const target = vaultTarget({ name: 'inline', spec }, objects, allowed);
  if (target.kind === 'target') return target;
  // What is left are certificates that cannot be read, or that do not fit their key.
  const part = target.reason === 'TLSVerificationFailed' ? 'caBundle' : 'clientCertificate';
  const message =
    part === 'caBundle'
      ? 'holds no certificate, or one that cannot be read: write PEM certificates into it'
      : 'must be a PEM certificate and its unencrypted private key, of a length that OpenSSL takes';
  return [{ field: `${AT}.tls.${part}`, reason: 'FieldValueInvalid', message }];
}

function hostCauses(host: string, allowed: TargetOptions): readonly FieldCause[] {
  const refused = refusedHost(normalizeOrigin(host) ?? '', allowed);
  if (!refused) return [];
  const message =
    normalizeOrigin(host) === undefined
      ? 'must be an origin without path or credentials, for example https://vault.example.com:8200'
      : refused.message.replaceAll('spec.host', `${AT}.host`);
  return [{ field: `${AT}.host`, reason: 'FieldValueInvalid', message }];
}

type Auth = InlineIntegration['auth'];

function authCauses(auth: Auth): readonly FieldCause[] {
  const { namespace, jwt, appRole, token, userPass } = auth;
  const causes: FieldCause[] = [];
  const check = (field: string, isGood: boolean, message: string) => {
    if (!isGood) causes.push({ field: `${AT}.auth.${field}`, reason: 'FieldValueInvalid', message });
  };
  if (!jwt && !appRole && !token && !userPass) {
    const message = 'must have at least one login method: jwt, appRole, token, userPass';
    causes.push({ field: `${AT}.auth`, reason: 'FieldValueRequired', message });
  }
  if (refusedNamespace(namespace?.replace(/\/$/, ''))) causes.push(namespaceCause(`${AT}.auth.namespace`));
  for (const [method, spec] of Object.entries({ jwt, appRole, userPass })) {
    const mount = spec?.mountPath?.replace(/\/$/, '');
    const isMount = mount === undefined || isPlainPath(mount);
    check(`${method}.mountPath`, isMount, 'must be a mount path such as approle or team/approle');
  }
  const odd = 'holds characters that no such credential has';
  if (jwt) check('jwt.token', is(jwt.token, HEADER), odd);
  if (jwt) check('jwt.role', is(jwt.role, TEXT), odd);
  if (appRole) check('appRole.secretId', is(appRole.secretId, TEXT), odd);
  if (appRole) check('appRole.roleId', is(appRole.roleId, TEXT), odd);
  if (token) check('token.token', is(token.token, HEADER), odd);
  if (userPass) {
    const { username, password } = userPass;
    const isName = is(username, /^[^/?#%\p{Cc}]+$/u) && username !== '.' && username !== '..';
    check('userPass.username', isName, 'must not contain slashes, ?, #, % or control characters');
    check('userPass.password', is(password, TEXT), odd);
  }
  return causes;
}

const is = (text: string, charset: RegExp): boolean => charset.test(text.trim());

function tlsCauses({ tls }: InlineIntegration): readonly FieldCause[] {
  const { certificate, key } = tls?.clientCertificate ?? {};
  const message = 'must be PEM text';
  return Object.entries({ certificate, key })
    .filter(([, text]) => text !== undefined && !is(text, LINES))
    .map(([name]) => ({
      field: `${AT}.tls.clientCertificate.${name}`,
      reason: 'FieldValueInvalid',
      message,
    }));
}

function ttlCauses(ttl: string | undefined): readonly FieldCause[] {
  if (ttl === undefined || /^[1-9][0-9]{0,4}[sm]$/.test(ttl)) return [];
  const message = 'must be seconds or minutes, such as 30s or 2m';
  return [{ field: `${AT}.scopedTokens.ttl`, reason: 'FieldValueInvalid', message }];
}

/** The same as an integration with references, and a system namespace that holds what they name and nothing else. */
function asIntegration(given: InlineIntegration): {
  readonly spec: VaultIntegrationSpec;
  readonly objects: SystemObjects;
} {
  const { host, path, namespace, resourceBundle, auth, tls, scopedTokens } = given;
  const { jwt, appRole, token, userPass } = auth;
  const ref = (key: string) => ({ name: 'inline', key });
  const mounted = (of: { readonly mountPath?: string | undefined }) => ({
    ...(of.mountPath !== undefined && { mountPath: of.mountPath }),
  });
  const data = {
    ...(jwt && { jwt: jwt.token }),
    ...(appRole && { secretId: appRole.secretId }),
    ...(token && { token: token.token }),
    ...(userPass && { password: userPass.password }),
    ...(tls?.clientCertificate && {
      'tls.crt': tls.clientCertificate.certificate,
      'tls.key': tls.clientCertificate.key,
    }),
  };
  const secret = {
    type: CREDENTIALS_TYPE,
    metadata: {
      annotations: {
        [VAULT_HOST_ANNOTATION]: host,
        ...(resourceBundle !== undefined && { [BUNDLE_ANNOTATION]: resourceBundle }),
      },
    },
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
  return {
    spec: {
      ...{ displayName: 'inline', host, path, domains: [] },
      ...(namespace !== undefined && { namespace }),
      ...(resourceBundle !== undefined && { resourceBundle }),
      auth: {
        ...(auth.namespace !== undefined && { namespace: auth.namespace }),
        ...(jwt && { jwt: { ...mounted(jwt), role: jwt.role, secretRef: ref('jwt') } }),
        ...(appRole && {
          appRole: { ...mounted(appRole), roleId: appRole.roleId, secretIdRef: ref('secretId') },
        }),
        ...(token && { token: { secretRef: ref('token') } }),
        ...(userPass && {
          userPass: { ...mounted(userPass), username: userPass.username, passwordRef: ref('password') },
        }),
      },
      ...(tls && {
        tls: {
          ...(tls.caBundle !== undefined && { caBundle: tls.caBundle }),
          ...(tls.clientCertificate && { clientCertSecretRef: { name: 'inline' } }),
        },
      }),
      ...(scopedTokens && { scopedTokens }),
    },
    objects: {
      secret: (name) => (name === 'inline' ? secret : undefined),
      serviceAccount: () => undefined,
      configMap: () => undefined,
    },
  };
}
