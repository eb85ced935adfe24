import { z } from 'zod';
import { cel, metaName } from './schema.ts';

/** The login methods in the order in which they are tried. */
export const AUTH_METHODS = ['jwt', 'kubernetes', 'appRole', 'token', 'userPass'] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** An origin: scheme, host and port, and nothing else. */
export const origin = z
  .string()
  .min(1)
  .max(512)
  .meta(
    cel([
      `isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != '' && self.matches('^https?://[^/?#@]+/?$')`,
      'must be an origin without path or credentials, for example https://vault.example.com:8200',
    ]),
  );

/** A HashiCorp namespace. */
export const vaultNamespace = z
  .string()
  .min(1)
  .max(512)
  .meta(
    cel([
      `!self.matches('//|[?#%[:space:]]|(^|/)[.][.]?(/|$)')`,
      'must be a HashiCorp namespace path such as team-a',
    ]),
  );

const secretName = metaName.describe('Name of the Secret in the system namespace.');
const secretKey = z.string().min(1).max(253).describe('Key in the Secret.');

const secretKeyRef = z
  .object({ name: secretName, key: secretKey })
  .describe(
    'A key of a Secret of type fairlead.dev/vault-credentials in the system namespace, whose annotations fairlead.dev/vault-host and fairlead.dev/resource-bundle equal the host and the bundle of this integration.',
  );

const serviceAccountRef = z
  .object({ name: metaName.describe('Name of the ServiceAccount in the system namespace.') })
  .describe(
    "A ServiceAccount in the system namespace, whose annotations fairlead.dev/vault-host and fairlead.dev/resource-bundle equal the host and the bundle of this integration; never Fairlead's own.",
  );

const audiences = z
  .array(z.string().min(1).max(253))
  .min(1)
  .max(8)
  .meta({ 'x-kubernetes-list-type': 'set' })
  .describe("Audiences of the token; each must be in the operator's --token-audiences.");

export const mountPath = z
  .string()
  .min(1)
  .max(512)
  .meta(
    cel([
      `!self.matches('//|[?#%]|(^|/)[.][.]?(/|$)|^/')`,
      'must be a mount path such as approle or team/approle',
    ]),
  )
  .describe('Where the auth method is mounted in Vault, below auth/.');

export const role = z.string().min(1).max(253).describe('Role of the auth method.');

const jwt = z
  .object({
    mountPath: mountPath.optional().describe('Where the method is mounted, below auth/. Default: jwt.'),
    role,
    secretRef: secretKeyRef.optional().describe('The token, kept in a Secret.'),
    serviceAccountRef: serviceAccountRef.optional(),
    audiences: audiences.optional(),
  })
  .meta(
    cel(
      [
        'has(self.secretRef) != has(self.serviceAccountRef)',
        'must have either secretRef (a token in a Secret) or serviceAccountRef',
      ],
      [
        'has(self.serviceAccountRef) == has(self.audiences)',
        'must have audiences if it has serviceAccountRef, and only then',
      ],
    ),
  )
  .describe('Log in with a JWT: one that is kept in a Secret, or a fresh one of a ServiceAccount.');

const kubernetes = z
  .object({
    mountPath: mountPath
      .optional()
      .describe('Where the method is mounted, below auth/. Default: kubernetes.'),
    role,
    serviceAccountRef,
    audiences,
  })
  .describe('Log in with a fresh token of a ServiceAccount, which Vault has reviewed by the API server.');

const appRole = z
  .object({
    mountPath: mountPath.optional().describe('Where the method is mounted, below auth/. Default: approle.'),
    roleId: z.string().min(1).max(1024).optional().describe("The AppRole's role id; not a secret."),
    roleIdRef: secretKeyRef.optional().describe('The role id, kept in a Secret.'),
    secretIdRef: secretKeyRef,
    wrapped: z
      .boolean()
      .optional()
      .describe('If true, secretIdRef holds a response-wrapping token for the secret id, good for one use.'),
  })
  .meta(cel(['has(self.roleId) != has(self.roleIdRef)', 'must have either roleId or roleIdRef']))
  .describe('Log in with an AppRole.');

export const username = z
  .string()
  .min(1)
  .max(253)
  .meta(
    cel([
      `!self.matches('[/?#%[:cntrl:]]') && !(self in ['.', '..'])`,
      'must not contain slashes, ?, #, % or control characters',
    ]),
  )
  .describe('Name of the user.');

const userPass = z
  .object({
    mountPath: mountPath.optional().describe('Where the method is mounted, below auth/. Default: userpass.'),
    username,
    passwordRef: secretKeyRef,
  })
  .describe('Log in with a user name and a password.');

/** `spec.auth`: one or more ways to log in. */
export const auth = z
  .object({
    namespace: vaultNamespace
      .optional()
      .describe('HashiCorp namespace to log in to, if it is another one than spec.namespace.'),
    jwt: jwt.optional(),
    kubernetes: kubernetes.optional(),
    appRole: appRole.optional(),
    token: z.object({ secretRef: secretKeyRef }).optional().describe('Use a token as it is.'),
    userPass: userPass.optional(),
  })
  .meta(
    cel([
      AUTH_METHODS.map((method) => `has(self.${method})`).join(' || '),
      `must have at least one login method: ${AUTH_METHODS.join(', ')}`,
    ]),
  )
  .describe(`One or more login methods, tried in the order ${AUTH_METHODS.join(', ')}.`);

/** `spec.tls`: whom to trust, and who we are. */
export const tls = z
  .object({
    caBundle: z
      .string()
      .min(1)
      .max(65_536)
      .meta(cel([`self.contains('-----BEGIN CERTIFICATE-----')`, 'must hold at least one PEM certificate']))
      .optional()
      .describe('PEM certificates to trust instead of the system CAs.'),
    caSecretRef: z
      .object({ name: secretName, key: secretKey.optional().describe('Default: ca.crt.') })
      .optional()
      .describe(
        'The same in a Secret of type fairlead.dev/vault-credentials or kubernetes.io/tls, bound by its annotations as credentials are.',
      ),
    caConfigMapRef: z
      .object({
        name: metaName.describe('Name of the ConfigMap in the system namespace.'),
        key: z.string().min(1).max(253).optional().describe('Default: ca.crt.'),
      })
      .optional()
      .describe('The same in a ConfigMap of the system namespace.'),
    clientCertSecretRef: z
      .object({ name: secretName })
      .optional()
      .describe(
        'Client certificate: tls.crt and tls.key of a Secret of type fairlead.dev/vault-credentials or kubernetes.io/tls, bound by its annotations as credentials are.',
      ),
  })
  .meta(
    cel([
      '[has(self.caBundle), has(self.caSecretRef), has(self.caConfigMapRef)].filter(given, given).size() <= 1',
      'must have at most one of caBundle, caSecretRef and caConfigMapRef',
    ]),
  )
  .describe('Verification of the server. It cannot be switched off.');

/** `spec.scopedTokens`: read with a token that can do less than the login. */
export const scopedTokens = z
  .object({
    policies: z
      .array(z.string().min(1).max(253))
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The only policies of the token, without `default`; the login must have them, too.'),
    ttl: z
      .string()
      .max(16)
      .meta(cel([`self.matches('^[1-9][0-9]{0,4}[sm]$')`, 'must be seconds or minutes, such as 30s or 2m']))
      .optional()
      .describe('How long a token lives should it not be used. Default: 60s.'),
  })
  .describe(
    'Every read is made with a child token of its own, which has only these policies and is good for one use.',
  );

export type VaultAuth = z.infer<typeof auth>;
export type VaultTls = z.infer<typeof tls>;
export type ScopedTokens = z.infer<typeof scopedTokens>;
export type SecretKeyRef = z.infer<typeof secretKeyRef>;
