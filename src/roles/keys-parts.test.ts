import { describe, expect, it } from 'vitest';
import type { Refused } from '../aggregation/options.ts';
import { refusalRecord } from './keys-parts.ts';

const caller = { user: 'jane', uid: 'u', groups: ['a'], extra: { k: ['v'] } };

describe('what the audit says of somebody who was turned away', () => {
  const refused: Refused = {
    ...{ caller, verb: 'create', resource: 'secretkeys', namespace: 'team-a', name: 'x' },
    ...{ reason: 'Forbidden', message: 'why' },
  };

  it('is who, what and why', () => {
    expect(refusalRecord(refused)).toEqual({
      actor: { kind: 'user', name: 'jane', uid: 'u', groups: ['a'] },
      ...{ action: 'write-key', namespace: 'team-a', key: 'x' },
      ...{ outcome: 'refused', reason: 'Forbidden', message: 'why' },
    });
  });

  it.each<[Partial<Refused>, string]>([
    [{ verb: 'list' }, 'list-keys'],
    [{ verb: undefined }, 'list-keys'],
    [{ verb: 'update' }, 'write-key'],
    [{ verb: 'delete' }, 'delete-key'],
    [{ verb: 'create', resource: 'connectiontests' }, 'test-connection'],
  ])('is for %j: %s', (more, action) => {
    expect(refusalRecord({ ...refused, ...more }).action).toBe(action);
  });

  it('of nobody holds nothing that nobody said', () => {
    const { caller: _, ...nobody } = refused;
    expect(refusalRecord({ ...nobody, reason: 'Unauthorized' })).toEqual({
      actor: { kind: 'user', name: 'system:anonymous' },
      ...{ action: 'write-key', namespace: '' },
      ...{ outcome: 'refused', reason: 'Unauthorized', message: 'why' },
    });
  });
});
