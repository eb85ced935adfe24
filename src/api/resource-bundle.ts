import { z } from 'zod';
import { LIMITS } from './names.ts';
import { cel, conditionedStatus, defineKind, READY_COLUMNS } from './schema.ts';

const subject = z
  .object({
    kind: z.enum(['User', 'Group', 'ServiceAccount']).describe('What the subject is.'),
    name: z
      .string()
      .min(1)
      .max(253)
      .describe('Name of the user, group or ServiceAccount, as the API server knows it.'),
    namespace: z.string().min(1).max(63).optional().describe('Of a ServiceAccount, and of nobody else.'),
  })
  .meta(
    cel(
      [
        `(self.kind == 'ServiceAccount') == has(self.namespace)`,
        'a ServiceAccount needs a namespace; a User or Group must have none',
      ],
      // security: everybody and nobody in particular (system:authenticated, system:anonymous), system:masters, and
      // components of the cluster. A ServiceAccount is named as one, so that it can be told from Fairlead's own.
      // No regular expression: for so many subjects it would exceed the cost limit of a CRD.
      [
        `self.kind == 'ServiceAccount' || !self.name.startsWith('system:') || (self.kind == 'Group' && self.name.startsWith('system:serviceaccounts:') && self.name.size() > 23)`,
        'users and groups that start with system: cannot be subjects, except the ServiceAccounts of one namespace (system:serviceaccounts:<namespace>); name a ServiceAccount by kind: ServiceAccount',
      ],
    ),
  );

const permission = z.object({
  subjects: z
    .array(subject)
    .min(1)
    .max(LIMITS.subjectsPerPermission)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Who is allowed.'),
  allow: z
    .array(z.enum(['View', 'Use', 'Update']))
    .min(1)
    .max(3)
    .meta({ 'x-kubernetes-list-type': 'set' })
    .describe('View: get. Use: name in references. Update: get, update and patch.'),
});

const spec = z.object({
  permissions: z
    .array(permission)
    .max(LIMITS.permissionsPerBundle)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe('Who may do what with every integration of the bundle.'),
});

const status = conditionedStatus({
  integrations: z
    .array(z.string())
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe('The integrations whose spec.resourceBundle is this bundle.'),
  integrationCount: z.int().optional().describe('How many they are.'),
});

/** Who may view, use and update the integrations of one bundle; lives in the system namespace only. */
export const resourceBundle = defineKind({
  kind: 'ResourceBundle',
  plural: 'resourcebundles',
  shortNames: ['rb'],
  description:
    'Who may view, use and update the VaultIntegrations whose spec.resourceBundle names it. Fairlead keeps a Role and a RoleBinding for each permission.',
  spec,
  status,
  rules: cel([
    'self.metadata.name.size() <= 63',
    'metadata.name must have at most 63 characters, since it is a label of the Roles of the bundle',
  ]),
  columns: [
    { name: 'Integrations', type: 'integer', jsonPath: '.status.integrationCount' },
    ...READY_COLUMNS,
  ],
});

export type Subject = z.infer<typeof subject>;
export type Permission = z.infer<typeof permission>['allow'][number];
export type ResourceBundleSpec = z.infer<typeof spec>;
export type ResourceBundleStatus = z.infer<typeof status>;
