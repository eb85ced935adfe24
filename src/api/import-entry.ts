import { z } from 'zod';
import { cel } from './schema.ts';
import { below, BELOW_NEEDS_VAULT, freeText, source } from './secret-object.ts';

const patterns = z.array(freeText(128)).min(1).max(16).meta({ 'x-kubernetes-list-type': 'set' });

const select = z
  .object({
    keys: z
      .array(freeText(253))
      .min(1)
      .max(256)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .optional()
      .describe('Only these keys; one that is not there holds the pod.'),
    prefix: freeText(253).optional().describe('Only keys that start with it.'),
    match: patterns
      .optional()
      .describe(
        'Only keys that match one of these: with * a pattern for the whole key, otherwise a part of it.',
      ),
    exclude: patterns.optional().describe('No keys that match one of these; written like match.'),
  })
  .describe('Which keys are taken; absent: all.');

/** `envFrom[]`: many keys of one place become variables named after them. It is its own carrier of a source. */
export const importEntry = z
  .object({
    source,
    ...below,
    prefix: z
      .string()
      .min(1)
      .max(128)
      .meta(
        cel(
          [
            `self.matches('^[A-Za-z_][A-Za-z0-9_]*$')`,
            'must be the beginning of a C identifier: letters, digits and _, not starting with a digit',
          ],
          [
            `!self.matches('^(FAIRLEAD|KUBERNETES|LD)_')`,
            'starts a reserved name: FAIRLEAD_*, KUBERNETES_* and LD_* change how a program is run',
          ],
        ),
      )
      .optional()
      .describe('Put before the name of each variable.'),
    select: select.optional(),
    stripPrefix: z.boolean().optional().describe('If true, select.prefix is cut off the names.'),
    expandJson: z
      .boolean()
      .optional()
      .describe('If true, a value that is a JSON object becomes one variable for each of its leaves.'),
    names: z
      .enum(['keep', 'upperSnake'])
      .optional()
      .describe('keep, or absent: the key is the name. upperSnake: team/db-url becomes TEAM_DB_URL.'),
    optional: z
      .boolean()
      .optional()
      .describe('If true, a missing source or key leaves its variables out instead of holding the pod.'),
  })
  .meta(
    cel(BELOW_NEEDS_VAULT, [
      `!has(self.stripPrefix) || !self.stripPrefix || (has(self.select) && has(self.select.prefix))`,
      'stripPrefix cuts off select.prefix, which is not there',
    ]),
  );
export type ImportEntry = z.infer<typeof importEntry>;
