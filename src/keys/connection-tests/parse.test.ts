import { describe, expect, it } from 'vitest';
import { StatusError } from '../../aggregation/errors.ts';
import { inlineTarget } from './inline.ts';
import { parseTest } from './parse.ts';

const PLANTED = 'planted-secret';
const integration = (changes: object = {}) => ({
  host: 'https://vault.example.com:8200',
  path: '/v1/secret/data/app',
  auth: { token: { token: PLANTED } },
  ...changes,
});

/** `field: reason` of each cause. */
function causes(spec: unknown): readonly string[] {
  try {
    const test = parseTest({ spec });
    if (test.kind === 'reference') return [];
    const target = inlineTarget(test.integration, ALLOWED);
    return 'kind' in target ? [] : target.map(({ field, reason }) => `${field}: ${reason}`);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    expect(error.code).toBe('Invalid');
    expect(JSON.stringify([error.message, error.details])).not.toContain('planted');
    return (error.details.causes ?? []).map(({ field, reason }) => `${field}: ${reason}`);
  }
}

const ALLOWED = { vaultHosts: [], allowHttp: false, tokenAudiences: [] };
const REQUIRED = 'FieldValueRequired';
const INVALID = 'FieldValueInvalid';
const IN = 'spec.integration';

describe('what is taken', () => {
  const good: Record<string, unknown> = {
    'a reference': { integrationRef: { name: 'vault-prod' } },
    'a reference with another path and namespace': {
      integrationRef: { name: 'vault-prod' },
      path: 'kv/data/x',
      namespace: 'team-a/',
    },
    'an inline integration': { integration: integration() },
    'a whole integration with all that a VaultIntegration has': {
      integration: integration({
        displayName: 'Vault',
        domains: ['*'],
        resourceBundle: 'finance',
        namespace: 'team-a',
        auth: {
          namespace: 'admin',
          jwt: { mountPath: 'team/jwt/', role: 'app', token: PLANTED },
          appRole: { roleId: 'x', secretId: PLANTED },
          token: { token: ` ${PLANTED}\n` },
          userPass: { username: 'ann', password: 'pläntéd with spaces' },
        },
        scopedTokens: { policies: ['reader'], ttl: '30s' },
      }),
    },
  };
  for (const [what, spec] of Object.entries(good)) it(what, () => expect(causes(spec)).toEqual([]));
});

describe('what is refused', () => {
  const bad: Record<string, [spec: unknown, ...causes: string[]]> = {
    'no spec': [undefined, `spec: ${REQUIRED}`],
    'a spec that is a text': [PLANTED, `spec: ${INVALID}`],
    nothing: [{}, `spec: ${INVALID}`],
    both: [{ integrationRef: { name: 'a' }, integration: integration() }, `spec: ${INVALID}`],
    'no name': [{ integrationRef: {} }, `spec.integrationRef.name: ${REQUIRED}`],
    'a name that is none': [
      { integrationRef: { name: '../planted' } },
      `spec.integrationRef.name: ${INVALID}`,
    ],
    'a host beside a reference is left out before, a path with tricks is not': [
      { integrationRef: { name: 'a' }, path: 'secret/data/../planted', namespace: 'a//b' },
      `spec.path: ${INVALID}`,
      `spec.namespace: ${INVALID}`,
    ],
    'a path beside an inline integration': [
      { integration: integration(), path: 'secret/data/x' },
      'spec.path: FieldValueForbidden',
    ],
    'what is missing': [
      { integration: {} },
      `${IN}.host: ${REQUIRED}`,
      `${IN}.path: ${REQUIRED}`,
      `${IN}.auth: ${REQUIRED}`,
    ],
    'no login': [{ integration: integration({ auth: {} }) }, `${IN}.auth: ${REQUIRED}`],
    'credentials of another type': [
      { integration: integration({ auth: { token: { token: 12 } } }) },
      `${IN}.auth.token.token: ${INVALID}`,
    ],
    'credentials that are too long': [
      { integration: integration({ auth: { token: { token: PLANTED.repeat(1000) } } }) },
      `${IN}.auth.token.token: FieldValueTooLong`,
    ],
    'a token with a line end in it': [
      { integration: integration({ auth: { token: { token: `${PLANTED}\nX-Evil: 1` } } }) },
      `${IN}.auth.token.token: ${INVALID}`,
    ],
    'http, path, namespace, mounts and user name, all at once': [
      {
        integration: integration({
          host: 'http://vault.example.com',
          path: 'secret/app',
          namespace: '../x',
          auth: {
            namespace: 'a?b',
            appRole: { mountPath: '../sys', roleId: 'x', secretId: 'x' },
            userPass: { mountPath: 'a//b', username: '../x', password: 'x' },
          },
        }),
      },
      `${IN}.host: ${INVALID}`,
      `${IN}.path: ${INVALID}`,
      `${IN}.namespace: ${INVALID}`,
      `${IN}.auth.namespace: ${INVALID}`,
      `${IN}.auth.appRole.mountPath: ${INVALID}`,
      `${IN}.auth.userPass.mountPath: ${INVALID}`,
      `${IN}.auth.userPass.username: ${INVALID}`,
    ],
    'a user in the host': [
      { integration: integration({ host: 'https://ann:planted@vault.example.com' }) },
      `${IN}.host: ${INVALID}`,
    ],
    'a CA that is none': [
      { integration: integration({ tls: { caBundle: 'planted' } }) },
      `${IN}.tls.caBundle: ${INVALID}`,
    ],
    'a client certificate that is none': [
      { integration: integration({ tls: { clientCertificate: { certificate: 'planted', key: PLANTED } } }) },
      `${IN}.tls.clientCertificate: ${INVALID}`,
    ],
    'a life that is none': [
      { integration: integration({ scopedTokens: { policies: ['a'], ttl: '1h' } }) },
      `${IN}.scopedTokens.ttl: ${INVALID}`,
    ],
    'references to Secrets': [
      { integration: integration({ auth: { token: { secretRef: { name: 'a', key: 'b' } } } }) },
      `${IN}.auth.token.token: ${REQUIRED}`,
    ],
  };
  for (const [what, [spec, ...expected]] of Object.entries(bad)) {
    it(what, () => expect(causes(spec)).toEqual(expected));
  }
});
