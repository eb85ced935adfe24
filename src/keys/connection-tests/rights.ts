import { StatusError } from '../../aggregation/errors.ts';
import type { Caller } from '../../aggregation/resource.ts';
import { GROUP } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import { KubeError } from '../../kube/errors.ts';
import { may, type RightsDependencies as Asking } from '../may.ts';
import type { Parsed } from './parse.ts';

export interface RightsDependencies extends Asking {
  readonly systemNamespace: string;
}

/** How much of the answer the caller may see. */
export interface Rights {
  /** Addresses, certificates and logins too, not just what those learn who use an integration. */
  readonly full: boolean;
}

export interface Visible {
  readonly exists: (integration: string) => boolean;
  /** With the domain of the namespace in which the test is made. */
  readonly shared: (integration: string) => boolean;
}

/**
 * Whether the caller may test this. An integration that is not there is refused in the same words as one that may not
 * be used, and so is one that is not shared with the domain of the namespace, but to those who may change it. Throws StatusError Forbidden or ServiceUnavailable, or the signal's reason.
 */
export async function rightsOf(
  caller: Caller,
  test: Parsed,
  { exists, shared }: Visible,
  deps: RightsDependencies,
  signal: AbortSignal,
): Promise<Rights> {
  const holds = async (verb: string, name?: string) => allowed(caller, verb, name, deps, signal);
  const where = `in namespace ${deps.systemNamespace}`;
  if (test.kind === 'inline') {
    if (await holds('create')) return { full: true };
    throw forbidden(`a test of an inline integration needs the verb create on vaultintegrations ${where}`);
  }
  const { name, path, namespace } = test;
  const [mayUse, mayUpdate] = await Promise.all([holds('use', name), holds('update', name)]);
  if (!mayUse || !exists(name) || !(mayUpdate || shared(name))) {
    throw forbidden(
      `there is no VaultIntegration ${name} ${where} that is shared with the domain of this namespace, or you lack the verb use on it`,
    );
  }
  if ((path !== undefined || namespace !== undefined) && !mayUpdate) {
    throw forbidden(
      `another path or namespace than its own needs the verb update on VaultIntegration ${name} ${where}`,
    );
  }
  return { full: mayUpdate };
}

function forbidden(message: string): StatusError {
  return new StatusError('Forbidden', message, { kind: 'connectiontests' });
}

async function allowed(
  caller: Caller,
  verb: string,
  name: string | undefined,
  deps: RightsDependencies,
  signal: AbortSignal,
): Promise<boolean> {
  const resource = RESOURCES.vaultIntegrations.plural;
  const question = { verb, group: GROUP, resource, namespace: deps.systemNamespace, name };
  try {
    return await may(caller, question, signal, deps);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw new StatusError('ServiceUnavailable', 'your permissions could not be checked: try again', {
      retryAfterSeconds: 1,
    });
  }
}
