import { GROUP, VERSION } from './names.ts';

/** Where the API server serves a kind: what kube/ needs to build a URL. */
const resource = (group: string, version: string, plural: string, namespaced = true) =>
  ({ group, version, plural, namespaced }) as const;

export const RESOURCES = {
  pods: resource('', 'v1', 'pods'),
  secrets: resource('', 'v1', 'secrets'),
  configMaps: resource('', 'v1', 'configmaps'),
  serviceAccounts: resource('', 'v1', 'serviceaccounts'),
  namespaces: resource('', 'v1', 'namespaces', false),
  secretReferences: resource(GROUP, VERSION, 'secretreferences'),
  storageConfigs: resource(GROUP, VERSION, 'storageconfigs'),
  vaultIntegrations: resource(GROUP, VERSION, 'vaultintegrations'),
  resourceBundles: resource(GROUP, VERSION, 'resourcebundles'),
  roles: resource('rbac.authorization.k8s.io', 'v1', 'roles'),
  roleBindings: resource('rbac.authorization.k8s.io', 'v1', 'rolebindings'),
  mutatingWebhooks: resource('admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', false),
  apiServices: resource('apiregistration.k8s.io', 'v1', 'apiservices', false),
  policies: resource('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies', false),
  policyBindings: resource('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicybindings', false),
} as const;
