import type { ApiResource } from './resource.ts';
import type { GroupVersion } from './routes.ts';

/** /apis */
export function groupList(of: GroupVersion): object {
  const { kind: _, apiVersion: __, ...group } = apiGroup(of);
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] };
}

/** /apis/<group> */
export function apiGroup({ group, version }: GroupVersion) {
  const only = { groupVersion: `${group}/${version}`, version };
  return { kind: 'APIGroup', apiVersion: 'v1', name: group, versions: [only], preferredVersion: only };
}

/**
 * /apis/<group>/<version>. security: a verb that stands here is used by controllers, too: on whatever advertises
 * `delete` the namespace controller calls it when a namespace goes.
 */
export function resourceList({ group, version }: GroupVersion, resources: readonly ApiResource[]): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/${version}`,
    resources: resources.map(({ plural, singular, kind, shortNames, advertised }) => ({
      ...{ name: plural, singularName: singular, namespaced: true, kind, verbs: [...advertised] },
      ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
    })),
  };
}
