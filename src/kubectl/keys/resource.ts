import { KEYS_GROUP, VERSION } from '../../api/names.ts';
import { KubeError } from '../../kube/errors.ts';
import type { Resource } from '../../kube/objects.ts';
import type { Api } from '../api/api.ts';
import { PluginError } from '../cli/exit.ts';

export const SECRET_KEYS: Resource = {
  group: KEYS_GROUP,
  version: VERSION,
  plural: 'secretkeys',
  namespaced: true,
};
export const CONNECTION_TESTS: Resource = { ...SECRET_KEYS, plural: 'connectiontests' };

export const NOT_INSTALLED = `the API for keys (${KEYS_GROUP}) is not installed in this cluster; an administrator installs it with: kubectl apply -k config/keys-api`;

/** Throws PluginError CannotTell if a refusal means no more than that the API for keys is not there. */
export async function unlessInstalled(api: Pick<Api, 'request'>, error: unknown): Promise<never> {
  if (await isMissing(api, error)) throw new PluginError('CannotTell', NOT_INSTALLED);
  throw error;
}

/**
 * Without the API an authorized user gets 404, anybody else 403: the API server looks at rights first. Discovery is
 * for everybody who is logged in.
 */
export async function isMissing(api: Pick<Api, 'request'>, error: unknown): Promise<boolean> {
  if (!(error instanceof KubeError) || (error.code !== 'NotFound' && error.code !== 'Forbidden'))
    return false;
  try {
    await api.request({ method: 'GET', path: `/apis/${KEYS_GROUP}/${VERSION}`, call: 'discovery' });
    return false;
  } catch (discovery) {
    return discovery instanceof KubeError && discovery.code === 'NotFound';
  }
}
