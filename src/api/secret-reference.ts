import { z } from 'zod';
import { importEntry } from './import-entry.ts';
import { LIMITS } from './names.ts';
import { cel, conditionedStatus, defineKind, listMap } from './schema.ts';
import { secretObject } from './secret-object.ts';

export type { ImportEntry } from './import-entry.ts';
export type { SecretObject, SourceType } from './secret-object.ts';

/**
 * Names that change how a process is loaded or that Fairlead and Kubernetes set themselves: a secret must not
 * be able to become code. As a regular expression in the syntax that RE2 and ECMAScript share.
 */
export const RESERVED_VARIABLES =
  '^(FAIRLEAD_.*|KUBERNETES_.*|LD_.*|SPARK_SUBMIT_OPTS|NODE_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|BASH_ENV|ENV|PYTHONSTARTUP|PYTHONPATH|PYTHONHOME|PERL5OPT|RUBYOPT|PATH)$';
export const VARIABLE_NAME = '^[A-Za-z_][A-Za-z0-9_]*$';

const envEntry = z.object({
  name: z
    .string()
    .min(1)
    .max(253)
    .meta(
      cel(
        [
          `self.matches('${VARIABLE_NAME}')`,
          'must be a C identifier: letters, digits and _, not starting with a digit',
        ],
        [
          `!self.matches('${RESERVED_VARIABLES}')`,
          'is reserved: FAIRLEAD_*, KUBERNETES_*, LD_*, PATH, SPARK_SUBMIT_OPTS, NODE_OPTIONS, JAVA_TOOL_OPTIONS, JDK_JAVA_OPTIONS, _JAVA_OPTIONS, BASH_ENV, ENV, PYTHONSTARTUP, PYTHONPATH, PYTHONHOME, PERL5OPT and RUBYOPT change how a program is run',
        ],
      ),
    )
    .describe('Name of the environment variable.'),
  secret: secretObject.describe('The value to put into it.'),
  optional: z
    .boolean()
    .optional()
    .describe('If true, a missing value leaves the variable out instead of holding the pod.'),
});

const spec = z
  .object({
    env: z
      .array(envEntry)
      .min(1)
      .max(LIMITS.variablesPerReference)
      .meta(listMap('name'))
      .optional()
      .describe('The environment variables, one by one.'),
    envFrom: z
      .array(importEntry)
      .min(1)
      .max(LIMITS.importsPerReference)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional()
      .describe('Environment variables in bulk: many keys of one place, named after the keys.'),
  })
  .meta(cel([`has(self.env) || has(self.envFrom)`, 'must have env or envFrom, or both']));

const status = conditionedStatus({
  entries: z
    .array(
      z.object({
        name: z.string().describe('Name of the environment variable.'),
        type: z.string(),
        id: z.string(),
        state: z.string().describe('Resolved, or the reason why not.'),
        version: z.int().optional().describe('VAULT only: the version of the KV v2 secret.'),
      }),
    )
    .meta(listMap('name'))
    .optional(),
  imports: z
    .array(
      z.object({
        type: z.string(),
        id: z.string(),
        path: z.string().optional(),
        version: z.int().optional().describe('VAULT only: the version of the KV v2 secret.'),
        state: z.string().describe('Resolved, or the reason why not.'),
        variables: z.int().describe('How many variables it makes.'),
      }),
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe('The entries of envFrom, in their order.'),
});

/** Which secret values become which environment variables; pods of the namespace name it in an annotation. */
export const secretReference = defineKind({
  kind: 'SecretReference',
  plural: 'secretreferences',
  shortNames: ['sref'],
  description:
    'Which secret values become which environment variables. Pods of the same namespace name it in the annotation fairlead.dev/secret-references.',
  spec,
  status,
  columns: [
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

export type EnvEntry = z.infer<typeof envEntry>;
export type SecretReferenceSpec = z.infer<typeof spec>;
export type SecretReferenceStatus = z.infer<typeof status>;
