import { z } from 'zod';

/** `x-kubernetes-validations` for a zod schema's `.meta()`: pairs of CEL rule and message. */
export function cel(
  ...rules: readonly (readonly [rule: string, message: string])[]
): Record<string, unknown> {
  return { 'x-kubernetes-validations': rules.map(([rule, message]) => ({ rule, message })) };
}

/** A list that the API server merges and checks for duplicates by one field. */
export function listMap(key: string): Record<string, unknown> {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] };
}

/** A name of a Kubernetes object. */
export const metaName = z
  .string()
  .min(1)
  .max(253)
  .meta(
    cel([
      `self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')`,
      "must be a DNS name: lower case letters, digits, '-' and '.'",
    ]),
  );

/** How the variables and properties of an object came out; `type` is that of their source. */
export function entryStates(type: z.ZodString) {
  return z
    .array(
      z.object({
        name: z.string().describe('Name of the environment variable or of the Spark property.'),
        type,
        id: z.string().describe('Id of that source.'),
        state: z.string().describe('Resolved, or the reason why not.'),
        version: z.int().optional().describe('VAULT only: the version of the KV v2 secret.'),
      }),
    )
    .meta(listMap('name'))
    .optional()
    .describe('How each variable and each Spark property came out.');
}

/** metav1.Condition. */
export const condition = z.object({
  type: z.string().max(316).describe('Ready: the sum. Stalled: there only while waiting does not help.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
  reason: z.string().min(1).max(1024).describe('Why, in one word of docs/reasons.md.'),
  message: z.string().max(32_768).describe('Why, for people. Stable text: no times and no counters.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When status changed last.'),
  observedGeneration: z.int().min(0).optional().describe('The generation that it is about.'),
});
export type Condition = z.infer<typeof condition>;

/** A status with conditions and observedGeneration, as kstatus expects it, and the fields given. */
export function conditionedStatus<F extends z.core.$ZodLooseShape>(fields: F) {
  return z.object({
    observedGeneration: z.int().optional().describe('The generation that the conditions are about.'),
    conditions: z.array(condition).meta(listMap('type')).optional().describe('What is so, and why.'),
    ...fields,
  });
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'date' | 'integer';
  readonly jsonPath: string;
  readonly priority?: number;
}

/** What each kind shows last: whether it is ready, why not, and with -o wide the whole message. */
export const READY_COLUMNS: readonly PrinterColumn[] = [
  { name: 'Ready', type: 'string', jsonPath: `.status.conditions[?(@.type=="Ready")].status` },
  { name: 'Reason', type: 'string', jsonPath: `.status.conditions[?(@.type=="Ready")].reason` },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  {
    name: 'Message',
    type: 'string',
    jsonPath: `.status.conditions[?(@.type=="Ready")].message`,
    priority: 1,
  },
];

/** What crd.ts needs to write a CustomResourceDefinition, and resources need to find its URL. */
export interface KindDefinition<S extends z.ZodType, T extends z.ZodType> {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: S;
  readonly status: T;
  readonly columns: readonly PrinterColumn[];
  /** CEL over the whole object, for its name. */
  readonly rules?: Record<string, unknown>;
}

export function defineKind<S extends z.ZodType, T extends z.ZodType>(
  definition: KindDefinition<S, T>,
): KindDefinition<S, T> {
  return definition;
}
