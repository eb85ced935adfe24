import { z } from 'zod';
import { importEntry } from './import-entry.ts';
import { LIMITS } from './names.ts';
import { cel, conditionedStatus, defineKind, entryStates, listMap, READY_COLUMNS } from './schema.ts';
import { secretObject } from './secret-object.ts';
import { propertyName } from './spark-property.ts';
import { RESERVED_VARIABLES, VARIABLE_NAME } from './variable-name.ts';

export type { ImportEntry } from './import-entry.ts';
export type { NamedSource, SecretObject, SourceType } from './secret-object.ts';

/** What an entry has beside its name. */
const value = {
  secret: secretObject.describe('The value to put into it.'),
  optional: z
    .boolean()
    .optional()
    .describe('If true, a missing value leaves the entry out instead of holding the pod.'),
};

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
  ...value,
});

const confEntry = z.object({
  name: propertyName.describe('Name of the Spark property, for example spark.hadoop.fs.s3a.secret.key.'),
  ...value,
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
    sparkConf: z
      .array(confEntry)
      .min(1)
      .max(LIMITS.propertiesPerReference)
      .meta(listMap('name'))
      .optional()
      .describe('Spark configuration properties, one by one.'),
  })
  .meta(
    cel([
      `has(self.env) || has(self.envFrom) || has(self.sparkConf)`,
      'must have env, envFrom or sparkConf, or several of them',
    ]),
  );

const status = conditionedStatus({
  entries: entryStates(z.string().describe('Type of the source: KUBERNETES or VAULT.')),
  imports: z
    .array(
      z.object({
        type: z.string().describe('Type of the source: KUBERNETES or VAULT.'),
        id: z.string().describe('Id of that source.'),
        path: z.string().optional().describe("VAULT only: the path below the integration's."),
        version: z.int().optional().describe('VAULT only: the version of the KV v2 secret.'),
        state: z.string().describe('Resolved, or the reason why not.'),
        variables: z.int().describe('How many variables it makes.'),
      }),
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe('The entries of envFrom, in their order.'),
});

/** Which secret values become which variables and Spark properties; pods of the namespace name it in an annotation. */
export const secretReference = defineKind({
  kind: 'SecretReference',
  plural: 'secretreferences',
  shortNames: ['sref'],
  description:
    'Which secret values become which environment variables and Spark properties. Pods of the same namespace name it in the annotation fairlead.dev/secret-references.',
  spec,
  status,
  columns: READY_COLUMNS,
});

export type EnvEntry = z.infer<typeof envEntry>;
export type ConfEntry = z.infer<typeof confEntry>;
export type SecretReferenceSpec = z.infer<typeof spec>;
export type SecretReferenceStatus = z.infer<typeof status>;
