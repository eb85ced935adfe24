import { z } from 'zod';
import { openApiSchema } from './crd.ts';
import { freeText, source } from './secret-object.ts';

/** What a key of a Secret may be called: letters, digits, '-', '_' and '.'; neither '.' nor what begins with '..'. */
export const STORE_KEY = /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/;

/** In bytes of UTF-8. */
export const MAX_VALUE_BYTES = 131_072;
/** The API server: all values of a Secret together. */
export const MAX_STORE_BYTES = 1_048_576;

const spec = z
  .object({
    secret: z
      .object({
        key: freeText(253).describe(
          'The key in the source: a key of the store, or a field of the KV v2 secret.',
        ),
        source,
      })
      .optional()
      .describe('The secret object, ready to be pasted into an entry of a SecretReference.'),
    value: z
      .string()
      .max(MAX_VALUE_BYTES)
      .meta({ writeOnly: true })
      .optional()
      .describe(
        `Write-only: the new value, UTF-8 text of at most ${MAX_VALUE_BYTES} bytes. No answer ever contains it. Needed on create and update.`,
      ),
  })
  .describe('Which key it is; when it is written, its value, too.');
export type SecretKeySpec = z.infer<typeof spec>;

/** A key that references of a namespace can name. Not stored: the API for keys makes it of what the sources hold. */
export const secretKey = {
  kind: 'SecretKey',
  plural: 'secretkeys',
  singular: 'secretkey',
  shortNames: ['sk'],
  spec,
  schema: {
    description:
      "A key that SecretReferences of this namespace can name. Its name is kubernetes:<domain or global>:<key> or vault:<integration>:<key>. Keys of the namespace's own domain can be created, updated and deleted; values can never be read.",
    properties: { spec: openApiSchema(spec) },
  },
} as const;
