import { z } from 'zod';
import { metaName } from './schema.ts';
import { mountPath, origin, role, scopedTokens, username, vaultNamespace } from './vault-auth.ts';
import { path } from './vault-integration.ts';

/**
 * ConnectionTest of the API for keys: created, answered, and stored nowhere. The rules that are CEL in the CRD of
 * VaultIntegration are checked by the handler (src/keys/connection-tests), since no CRD stands behind this kind.
 */
const writeOnly = (what: string, max: number) =>
  z.string().min(1).max(max).describe(`${what} It is used for this test alone and never given back.`);

const pem = (what: string) => z.string().min(1).max(65_536).describe(what);

/** Credentials stand here as they are: a test names no Secret, ConfigMap or ServiceAccount. */
const inlineAuth = z
  .object({
    namespace: vaultNamespace
      .optional()
      .describe('HashiCorp namespace to log in to, if it is another one than that of the path.'),
    jwt: z
      .object({
        mountPath: mountPath.optional().describe('Where the method is mounted, below auth/. Default: jwt.'),
        role,
        token: writeOnly('The JWT.', 16_384),
      })
      .optional()
      .describe('Log in with a JWT.'),
    appRole: z
      .object({
        mountPath: mountPath
          .optional()
          .describe('Where the method is mounted, below auth/. Default: approle.'),
        roleId: z.string().min(1).max(1024).describe("The AppRole's role id; not a secret."),
        secretId: writeOnly('The secret id, not wrapped.', 4096),
      })
      .optional()
      .describe('Log in with an AppRole.'),
    token: z
      .object({ token: writeOnly('The token.', 8192) })
      .optional()
      .describe('Use a token as it is.'),
    userPass: z
      .object({
        mountPath: mountPath
          .optional()
          .describe('Where the method is mounted, below auth/. Default: userpass.'),
        username,
        password: writeOnly('The password.', 4096),
      })
      .optional()
      .describe('Log in with a user name and a password.'),
  })
  // Required, and yet no answer has it.
  .meta({ writeOnly: true })
  .describe('One or more login methods, tried in the order jwt, appRole, token, userPass.');

const inlineTls = z
  .object({
    caBundle: pem('PEM certificates to trust instead of the system CAs.').optional(),
    clientCertificate: z
      .object({
        certificate: pem('PEM certificate, with those in between if there are any.'),
        key: writeOnly('Its private key as PEM, not encrypted.', 65_536),
      })
      .optional()
      .describe('Client certificate.'),
  })
  .describe('Verification of the server. It cannot be switched off.');

const integration = z
  .object({
    displayName: z.string().max(253).optional().describe('Not looked at.'),
    host: origin.describe('Origin of the Vault server. Redirects are not followed.'),
    path,
    namespace: vaultNamespace
      .optional()
      .describe('HashiCorp namespace of the path, if the server has namespaces.'),
    resourceBundle: z.string().max(253).optional().describe('Not looked at.'),
    domains: z.array(z.string().max(63)).max(256).optional().describe('Not looked at.'),
    auth: inlineAuth,
    tls: inlineTls.optional(),
    scopedTokens: scopedTokens.optional(),
  })
  .describe(
    'A VaultIntegration that is not there yet, with its credentials in place of references to them. Needs the verb create on vaultintegrations in the system namespace.',
  );

export const connectionTestSpec = z
  .object({
    integrationRef: z
      .object({ name: metaName.describe('metadata.name of the VaultIntegration.') })
      .optional()
      .describe('An integration as it is, with its own credentials. Needs the verb use on it.'),
    path: path
      .optional()
      .describe(
        'With integrationRef: another path than its own. Needs the verb update on the integration, too.',
      ),
    namespace: vaultNamespace
      .optional()
      .describe(
        'With integrationRef: another HashiCorp namespace of the path. Needs the verb update on the integration, too.',
      ),
    integration: integration.optional(),
  })
  .describe('Either integrationRef or integration.');

/** In the order in which they are taken; after one that failed the others are skipped. */
export const TEST_STEPS = [
  'resolve name',
  'TCP',
  'TLS',
  'login',
  'lookup-self',
  'capabilities',
  'mount',
  'read',
  'number of keys',
] as const;
export type TestStepName = (typeof TEST_STEPS)[number];

export const connectionTestStatus = z
  .object({
    ok: z.boolean().describe('Every step passed, or need not be taken.'),
    reason: z.string().describe('As of a VaultIntegration; docs/reasons.md.'),
    message: z.string().describe('What was found, or what is wrong and what to do.'),
    steps: z
      .array(
        z.object({
          name: z.enum(TEST_STEPS).describe('The step.'),
          outcome: z.enum(['Passed', 'Failed', 'Skipped']).describe('What became of it.'),
          message: z.string().describe('What was seen, or the fix.'),
        }),
      )
      .describe('Step by step, in this order.'),
    keyCount: z.int().optional().describe('Number of keys at the path.'),
    authMethod: z.string().optional().describe('The login method that worked.'),
    mount: z.string().optional().describe('The mount as Fairlead understood it.'),
    secretPath: z.string().optional().describe('The path below the mount as Fairlead understood it.'),
  })
  .describe('The answer. It is stored nowhere.');

export const CONNECTION_TEST = {
  kind: 'ConnectionTest',
  plural: 'connectiontests',
  singular: 'connectiontest',
  description:
    'Tries a connection to Vault and tells step by step what works and what does not. Only created: the answer comes at once, and nothing is stored.',
} as const;

export type ConnectionTestSpec = z.infer<typeof connectionTestSpec>;
export type ConnectionTestStatus = z.infer<typeof connectionTestStatus>;
export type InlineIntegration = z.infer<typeof integration>;
