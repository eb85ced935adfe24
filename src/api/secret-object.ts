import { z } from 'zod';
import { cel, metaName } from './schema.ts';

export const SOURCE_TYPES = ['KUBERNETES', 'VAULT'] as const;
export type SourceType = (typeof SOURCE_TYPES)[number];

const NO_CONTROL_CHARACTERS = [
  `!self.matches('[[:cntrl:]]')`,
  'must not contain control characters',
] as const;

/** A text that people choose freely, as the name of a key is. */
export const freeText = (max: number) => z.string().min(1).max(max).meta(cel(NO_CONTROL_CHARACTERS));

/** Which source: whoever writes one of these needs the right to it, see config/policies/references-use.yaml. */
export const source = z
  .object({
    type: z.enum(SOURCE_TYPES).describe("KUBERNETES: a domain's store. VAULT: a VaultIntegration."),
    id: metaName
      .max(63)
      .describe('KUBERNETES: a domain or global. VAULT: the metadata.name of an integration.'),
  })
  .describe('Where the value lives.');

export type NamedSource = z.infer<typeof source>;

/** Where below the source: the fields that a secret object and an import share. */
export const below = {
  path: z
    .string()
    .min(1)
    .max(512)
    .meta(
      cel(
        [
          `self.matches('[^/]') && !self.matches('//|[?#%\\\\\\\\]|(^|/)[.][.]?(/|$)')`,
          "must be a path below the integration's, without empty segments, '.', '..', '?', '#', '%' or a backslash, for example db/main",
        ],
        NO_CONTROL_CHARACTERS,
      ),
    )
    .optional()
    .describe("VAULT only: the path of another secret below the integration's path."),
  version: z
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .describe('VAULT only: the version of the KV v2 secret; absent: the latest.'),
};

/** For the object that has `source` and the fields of `below`. */
export const BELOW_NEEDS_VAULT = [
  `self.source.type == 'VAULT' || (!has(self.path) && !has(self.version))`,
  "path and version are for source.type VAULT only; a domain's store has neither",
] as const;

/** `{key, source}`: names one secret value. */
export const secretObject = z
  .object({
    key: freeText(253).describe('The key in the source: a key of the store, or a field of the KV v2 secret.'),
    ...below,
    property: freeText(512)
      .optional()
      .describe("Dotted path into the key's value, which then must be JSON: db.users.0.name."),
    source,
  })
  .meta(cel(BELOW_NEEDS_VAULT));
export type SecretObject = z.infer<typeof secretObject>;
