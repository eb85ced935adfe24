import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import type { AccessQuestion, AskedWhen } from '../kube/access-review.ts';
import { may } from './may.ts';

const caller = { user: 'jane', uid: 'u', groups: ['a'], extra: { k: ['v'] } };

describe('whether a caller may', () => {
  it('is asked with the whole identity, and an answer of two seconds ago will do', async () => {
    const questions: [AccessQuestion, AskedWhen][] = [];
    const clock = new FakeClock();
    await clock.advance(10_000);
    const allowed = async (...question: [AccessQuestion, AskedWhen]) => {
      questions.push(question);
      return true;
    };
    const signal = new AbortController().signal;
    const deed = { verb: 'use', group: 'g', resource: 'things', namespace: 'n', name: 'x' };
    expect(await may(caller, deed, signal, { reviews: { allowed }, clock })).toBe(true);
    expect(questions).toEqual([
      [
        { ...caller, ...deed },
        { notBefore: 8_000, signal },
      ],
    ]);
  });
});
