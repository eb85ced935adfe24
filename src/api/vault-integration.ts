import { z } from 'zod';
import { cel, conditionedStatus, defineKind, metaName, READY_COLUMNS } from './schema.ts';
import { auth, origin, scopedTokens, tls, vaultNamespace } from './vault-auth.ts';

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

export const path = z
  .string()
  .min(1)
  .max(1024)
  .meta(PATH_RULES)
  .describe(
    'API path of one KV v2 secret: [/v1/]<mount>/data/<path>. Its fields are the keys. It may also be a folder, for references with secret.path.',
  );

const spec = z
  .object({
    displayName: z
      .string()
      .min(1)
      .max(253)
      .meta(cel([`self.matches('^[A-Za-z0-9_.-]+$')`, "must consist of letters, digits, '_', '-' and '.'"]))
      .describe('The name people see; unique among integrations; may change. metadata.name is the id.'),
    host: origin.describe('Origin of the Vault server.'),
    path,
    namespace: vaultNamespace
      .optional()
      .describe('HashiCorp namespace of the path, if the server has namespaces.'),
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
    tls: tls.optional(),
    redirectHosts: z
      .array(origin)
      .min(1)
      .max(8)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .optional()
      .describe(
        'Origins that a redirect of the server may lead to, for standby nodes that redirect to the active one; never from https to http.',
      ),
    scopedTokens: scopedTokens.optional(),
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
  vaultVersion: z.string().optional().describe('What the server says it is.'),
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
    ...READY_COLUMNS,
  ],
});

export type VaultIntegrationSpec = z.infer<typeof spec>;
export type VaultIntegrationStatus = z.infer<typeof status>;
