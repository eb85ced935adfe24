import { isTerminal } from '../../api/reasons.ts';
import type { VaultIntegrationStatus } from '../../api/vault-integration.ts';
import { done, stalled, waiting, type Told } from '../../runtime/outcome.ts';
import type { SourceFailure, SourceFields } from '../../sources/source.ts';
import { parsePath } from '../../sources/vault/path.ts';
import type { Integration } from '../objects.ts';

type Answer = (SourceFields & { readonly authMethod?: string }) | SourceFailure;

/** A display name belongs to the integration that had it first: a newcomer cannot take it away. */
export function elderOf(
  integration: Integration,
  namesakes: readonly Integration[],
): Integration | undefined {
  const age = ({ metadata }: Integration) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
  const [first] = namesakes.toSorted((a, b) => (age(a) < age(b) ? -1 : 1));
  return first && first.metadata.uid !== integration.metadata.uid ? first : undefined;
}

export function integrationOutcome(answer: Answer, elder: Integration | undefined, refreshMs: number): Told {
  if (elder) {
    const { name } = elder.metadata;
    return stalled(
      'NameConflict',
      `VaultIntegration ${name} has the same displayName; choose another spec.displayName`,
    );
  }
  if (answer.kind === 'failed') {
    const { reason, message, retryAfterMs } = answer;
    return isTerminal(reason) ? stalled(reason, message) : waiting(reason, message, retryAfterMs);
  }
  return done('Connected', `${answer.fields.size} keys at ${answer.location}`, refreshMs);
}

/** What stands in the status beside the conditions; what is not known any more is removed. */
export function statusFields(
  path: string,
  answer: Answer,
): Pick<VaultIntegrationStatus, 'mount' | 'secretPath' | 'authMethod' | 'keyCount'> {
  const parsed = parsePath(path);
  return {
    mount: parsed?.mount,
    secretPath: parsed?.secretPath,
    authMethod: answer.kind === 'fields' ? answer.authMethod : undefined,
    keyCount: answer.kind === 'fields' ? answer.fields.size : undefined,
  };
}
