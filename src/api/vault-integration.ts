import { z } from 'zod';
import { cel, defineKind, conditionedStatus, metaName } from './schema.ts';

/** A path as people write it and as the API takes it: `[/v1/]<mount>/data/<path>`. */
const PATH_RULES = cel(
  [
    `self.split('/').exists(s, s == 'data') && self.matches('[^/]/data/[^/]')`,
    'must be the API path of a KV v2 secret with a /data/ segment after the mount, for example /v1/secret/data/production',
  ],
  [
    `!self.matches('//|[?#%\\\\\\\\]|(^|/)[.][.]?(/|$)')`,
    "must not contain empty segments, '.', '..', '?', '#', '%' or a backslash; write the path as Vault's UI shows it, without URL encoding",
  ],
);

const HOST_RULES = cel([
  `isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != '' && self.matches('^https?://[^/?#@]+/?$')`,
  'must be an origin without path or credentials, for example https://vault.example.com:8200',
]);

const secretKeyRef = z
  .object({
    name: metaName.describe('Name of the Secret in the system namespace.'),
    key: z.string().min(1).max(253).describe('Key in the Secret.'),
  })
  .describe(
    'A key of a Secret of type fairlead.dev/vault-credentials in the system namespace, whose annotations fairlead.dev/vault-host and fairlead.dev/resource-bundle equal the host and the bundle of this integration.',
  );

const mountPath = z
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

const auth = z
  .object({
    appRole: z
      .object({
        mountPath: mountPath.optional().describe('Default: approle.'),
        roleId: z.string().min(1).max(1024).describe("The AppRole's role id; not a secret."),
        secretIdRef: secretKeyRef,
      })
      .optional()
      .describe('Log in with an AppRole.'),
    token: z.object({ secretRef: secretKeyRef }).optional().describe('Use a token as it is.'),
  })
  .meta(
    cel([`has(self.appRole) || has(self.token)`, 'must have at least one login method: appRole or token']),
  )
  .describe('One or more login methods, tried in the order appRole, token.');

const spec = z
  .object({
    displayName: z
      .string()
      .min(1)
      .max(253)
      .meta(cel([`self.matches('^[A-Za-z0-9_.-]+$')`, "must consist of letters, digits, '_', '-' and '.'"]))
      .describe('The name people see; unique among integrations; may change. metadata.name is the id.'),
    host: z.string().min(1).max(512).meta(HOST_RULES).describe('Origin of the Vault server.'),
    path: z
      .string()
      .min(1)
      .max(1024)
      .meta(PATH_RULES)
      .describe('API path of one KV v2 secret: [/v1/]<mount>/data/<path>. Its fields are the keys.'),
    namespace: z
      .string()
      .min(1)
      .max(512)
      .meta(
        cel([
          `!self.matches('//|[?#%[:space:]]|(^|/)[.][.]?(/|$)')`,
          'must be a HashiCorp namespace path such as team-a',
        ]),
      )
      .optional()
      .describe('HashiCorp namespace, if the server has namespaces.'),
    resourceBundle: metaName.optional().describe('The bundle that this integration belongs to. Immutable.'),
    domains: z
      .array(
        z
          .string()
          .min(1)
          .max(63)
          .meta(
            cel([
              `self == '*' || (self != 'global' && self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'))`,
              "must be a domain name (a DNS label, not 'global') or '*'",
            ]),
          ),
      )
      .min(1)
      .max(256)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('The domains whose namespaces may use it; ["*"] is everyone.'),
    auth,
    tls: z
      .object({
        caBundle: z
          .string()
          .min(1)
          .max(65_536)
          .meta(
            cel([`self.contains('-----BEGIN CERTIFICATE-----')`, 'must hold at least one PEM certificate']),
          )
          .optional()
          .describe('PEM certificates to trust instead of the system CAs.'),
      })
      .optional()
      .describe('Verification of the server. It cannot be switched off.'),
  })
  .meta(
    cel([
      `has(self.resourceBundle) == has(oldSelf.resourceBundle) && (!has(self.resourceBundle) || self.resourceBundle == oldSelf.resourceBundle)`,
      'resourceBundle is immutable: it can be neither changed, added nor removed; create a new integration instead',
    ]),
  );

const status = conditionedStatus({
  mount: z.string().optional().describe('The mount as Fairlead understood it.'),
  secretPath: z.string().optional().describe('The path below the mount as Fairlead understood it.'),
  authMethod: z.string().optional().describe('The login method that worked.'),
  keyCount: z.int().optional().describe('Number of keys at the path.'),
});

/** A read-only connection to one HashiCorp Vault KV v2 path; lives in the system namespace only. */
export const vaultIntegration = defineKind({
  kind: 'VaultIntegration',
  plural: 'vaultintegrations',
  shortNames: ['vi'],
  description: 'A read-only connection to one HashiCorp Vault KV v2 path; metadata.name is its id.',
  spec,
  status,
  rules: cel([
    'self.metadata.name.size() <= 63',
    'metadata.name must have at most 63 characters, since references name the integration by it',
  ]),
  columns: [
    { name: 'Name', type: 'string', jsonPath: '.spec.displayName' },
    { name: 'Host', type: 'string', jsonPath: '.spec.host' },
    { name: 'Path', type: 'string', jsonPath: '.spec.path' },
    { name: 'Namespace', type: 'string', jsonPath: '.spec.namespace' },
    { name: 'Bundle', type: 'string', jsonPath: '.spec.resourceBundle' },
    { name: 'Ready', type: 'string', jsonPath: `.status.conditions[?(@.type=="Ready")].status` },
    { name: 'Reason', type: 'string', jsonPath: `.status.conditions[?(@.type=="Ready")].reason` },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    {
      name: 'Message',
      type: 'string',
      jsonPath: `.status.conditions[?(@.type=="Ready")].message`,
      priority: 1,
    },
  ],
});

export type VaultIntegrationSpec = z.infer<typeof spec>;
export type VaultIntegrationStatus = z.infer<typeof status>;
