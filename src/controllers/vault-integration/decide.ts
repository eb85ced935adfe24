import { isTerminal } from '../../api/reasons.ts';
import type { VaultIntegrationStatus } from '../../api/vault-integration.ts';
import { bound } from '../../resolve/problem.ts';
import { done, stalled, waiting, type Told } from '../../runtime/outcome.ts';
import type { SourceFailure } from '../../sources/source.ts';
import type { Inspection } from '../../sources/vault/inspect.ts';
import type { UnusableMethod } from '../../sources/vault/methods.ts';
import { parsePath } from '../../sources/vault/path.ts';
import type { VaultFields } from '../../sources/vault/registry.ts';
import type { Integration } from '../objects.ts';

/** What was learned of an integration. */
export interface Found {
  readonly answer: VaultFields | SourceFailure;
  readonly seen: Inspection;
  /** Login methods that could not be tried. */
  readonly unusable: readonly UnusableMethod[];
}

/** True if the path may be a folder of secrets, which cannot be read itself. */
export function maybeFolder(answer: Found['answer']): boolean {
  return (
    answer.kind === 'failed' && (answer.reason === 'PathNotFound' || answer.reason === 'PermissionDenied')
  );
}

/** A display name belongs to the integration that had it first: a newcomer cannot take it away. */
export function elderOf(
  integration: Integration,
  namesakes: readonly Integration[],
): Integration | undefined {
  const age = ({ metadata }: Integration) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
  const [first] = namesakes.toSorted((a, b) => (age(a) < age(b) ? -1 : 1));
  return first && first.metadata.uid !== integration.metadata.uid ? first : undefined;
}

export function integrationOutcome(
  { answer, seen, unusable }: Found,
  elder: Integration | undefined,
  refreshMs: number,
): Told {
  if (elder) {
    const { name } = elder.metadata;
    return stalled(
      'NameConflict',
      `VaultIntegration ${name} has the same displayName; choose another spec.displayName`,
    );
  }
  if (answer.kind === 'fields') {
    const passed = [...unusable.map((one) => `${one.method}: ${one.message}`), ...(answer.passed ?? [])];
    const others =
      passed.length > 0 ? `; logged in with ${answer.authMethod}, not with ${passed.join('; ')}` : '';
    return done('Connected', bound(`${answer.fields.size} keys at ${answer.location}${others}`), refreshMs);
  }
  if (seen.entries !== undefined) {
    const message = `a folder with ${seen.entries} entries at ${answer.location}; references name a secret in it with secret.path`;
    return done('Connected', bound(message), refreshMs);
  }
  const { reason, message, retryAfterMs } = answer;
  return isTerminal(reason) ? stalled(reason, message) : waiting(reason, message, retryAfterMs);
}

type StatusFields = Omit<VaultIntegrationStatus, 'conditions' | 'observedGeneration'>;

/** What stands in the status beside the conditions; what is not known any more is removed. */
export function statusFields(
  path: string,
  { answer, seen }: Found,
): { readonly [F in keyof Required<StatusFields>]: StatusFields[F] } {
  const parsed = parsePath(path);
  return {
    mount: seen.mount ?? parsed?.mount,
    secretPath: seen.secretPath ?? parsed?.secretPath,
    authMethod: answer.kind === 'fields' ? answer.authMethod : seen.authMethod,
    vaultVersion: seen.vaultVersion,
    keyCount: answer.kind === 'fields' ? answer.fields.size : undefined,
  };
}
