import type { SecretReferenceStatus } from '../../api/secret-reference.ts';
import { placeOf } from '../../resolve/place.ts';
import { summarize } from '../../resolve/problem.ts';
import { counted, countsOf, type Resolution } from '../../resolve/resolve.ts';
import { done, stalled, waiting, type Told } from '../../runtime/outcome.ts';

/** Ready if everything that is not optional is there, is allowed and can be an environment variable. */
export function referenceOutcome(resolution: Resolution, refreshMs: number): Told {
  if (resolution.problems.length === 0) {
    const optional = [...resolution.entries, ...resolution.imports].filter(({ problem }) => problem);
    const missing =
      optional.length > 0 ? `; missing but optional: ${optional.map((e) => e.wanted.name).join(', ')}` : '';
    return done('Resolved', `${counted(countsOf(resolution))}${missing}`, refreshMs);
  }
  const { reason, message, terminal, retryAfterMs } = summarize(resolution.problems);
  return terminal ? stalled(reason, message) : waiting(reason, message, retryAfterMs);
}

/** The state of each entry: `Resolved`, or the reason why not; the version only for VAULT. */
export function entryStates(resolution: Resolution): NonNullable<SecretReferenceStatus['entries']> {
  return resolution.entries.map(({ wanted, problem, version }) => ({
    name: wanted.name,
    type: wanted.secret.source.type,
    id: wanted.secret.source.id,
    state: problem?.reason ?? 'Resolved',
    ...(version !== undefined && { version }),
  }));
}

/** The same for each import, without the names that its source holds; undefined if the reference has none. */
export function importStates({ imports }: Resolution): SecretReferenceStatus['imports'] {
  if (imports.length === 0) return undefined;
  return imports.map(({ wanted, problem, version, variables }) => {
    const { source, path } = placeOf(wanted.entry);
    return {
      ...source,
      ...(path !== undefined && { path }),
      ...(version !== undefined && { version }),
      state: problem?.reason ?? 'Resolved',
      variables,
    };
  });
}
