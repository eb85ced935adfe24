import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import type { Caller } from './resource.ts';
import { admission, type AdmissionLimits } from './user-limits.ts';

const caller = (more: Partial<Caller> = {}): Caller => ({ user: 'jane', groups: ['a'], extra: {}, ...more });
const start = (more: Partial<AdmissionLimits> = {}) => {
  const clock = new FakeClock();
  const perUser = { burst: 3, refillMs: 100, users: 10 };
  const admit = admission({ perUser, concurrent: 4, concurrentPerUser: 2, ...more }, clock);
  const once = (who = caller()): string => {
    const answer = admit(who);
    if (typeof answer !== 'function') return answer;
    answer();
    return 'ok';
  };
  return { clock, admit, once };
};

describe('the requests of one user', () => {
  it('are so many at once, then one after the other', async () => {
    const { clock, once } = start();
    expect([once(), once(), once(), once()]).toEqual(['ok', 'ok', 'ok', 'user']);
    await clock.advance(100);
    expect([once(), once()]).toEqual(['ok', 'user']);
  });

  it('leave those of others alone', () => {
    const { once } = start();
    expect([once(), once(), once(), once(), once(caller({ user: 'joe' }))].slice(3)).toEqual(['user', 'ok']);
  });

  it.each<[string, Partial<Caller>]>([
    ['uid', { uid: 'u' }],
    ['groups', { groups: ['b'] }],
    ['extra', { extra: { 'authentication.kubernetes.io/credential-id': ['JTI=1'] } }],
  ])('are no more with another %s', (_, more) => {
    const { once } = start();
    expect([once(), once(), once(), once(caller(more))]).toEqual(['ok', 'ok', 'ok', 'user']);
  });

  it('are not held up by what is under way if they are brief', () => {
    const { admit } = start();
    for (const user of ['a', 'b', 'c', 'd']) admit(caller({ user }));
    expect([admit(caller()), typeof admit(caller({ user: 'kube-aggregator' }), true)]).toEqual([
      'all',
      'function',
    ]);
  });

  it('are so many at the same time', () => {
    const { admit, once } = start({ perUser: { burst: 100, refillMs: 1, users: 10 } });
    const ends = [admit(caller()), admit(caller())];
    expect([once(), once(caller({ user: 'joe' }))]).toEqual(['user', 'ok']);
    for (const end of ends) if (typeof end === 'function') end();
    expect(once()).toBe('ok');
  });

  it('and those of all are so many at the same time', () => {
    const { admit, once } = start();
    const ends = ['a', 'b', 'c', 'd'].map((user) => admit(caller({ user })));
    expect(once()).toBe('all');
    for (const end of ends) if (typeof end === 'function') end();
    expect(once()).toBe('ok');
  });

  it('are forgotten when there are too many users', () => {
    const { once } = start({ perUser: { burst: 1, refillMs: 1e9, users: 2 } });
    expect([once(), once()]).toEqual(['ok', 'user']);
    expect([once(caller({ user: 'b' })), once(caller({ user: 'c' })), once()]).toEqual(['ok', 'ok', 'ok']);
  });
});
