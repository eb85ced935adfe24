import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { AccessReviews, serviceAccountUser, type AccessQuestion } from './access-review.ts';
import { KubeError } from './errors.ts';

const question: AccessQuestion = {
  ...serviceAccountUser('team-a', 'spark'),
  verb: 'use',
  group: 'fairlead.dev',
  resource: 'secretreferences',
  namespace: 'team-a',
  name: 'warehouse',
};
const signal = new AbortController().signal;

/** Reviews whose API server answers like this, one answer after the other; `asked` are the bodies of its requests. */
function reviewer(...answers: (object | Error)[]) {
  const clock = new FakeClock();
  const asked: unknown[] = [];
  const create = async (_: unknown, body: unknown) => {
    asked.push(body);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    await Promise.resolve();
    if (answer instanceof Error) throw answer;
    return { status: answer };
  };
  const reviews = new AccessReviews({ create } as never, clock);
  const may = async (more: Partial<AccessQuestion> = {}, notBefore = 0) =>
    reviews.allowed({ ...question, ...more }, { notBefore, signal });
  return { may, asked, clock };
}

describe('a question of access', () => {
  it('tells the API server who, with all groups, and what', async () => {
    const { may, asked } = reviewer({ allowed: true });
    await may();
    expect(asked).toEqual([
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'system:serviceaccount:team-a:spark',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:team-a', 'system:authenticated'],
          resourceAttributes: {
            verb: 'use',
            group: 'fairlead.dev',
            resource: 'secretreferences',
            namespace: 'team-a',
            name: 'warehouse',
          },
        },
      },
    ]);
  });

  it.each<[string, object, boolean]>([
    ['yes', { allowed: true }, true],
    ['no', { allowed: false }, false],
    ['yes and no', { allowed: true, denied: true }, false],
    ['nothing', {}, false],
    ['something that is no boolean', { allowed: 'true' }, false],
  ])('is answered with %s', async (_, status, expected) => {
    expect(await reviewer(status).may()).toBe(expected);
  });

  it('is asked once for many who ask at the same time', async () => {
    const { may, asked } = reviewer({ allowed: true });
    await Promise.all([may(), may(), may()]);
    await may();
    expect(asked).toHaveLength(1);
  });

  it.each<[string, Partial<AccessQuestion>]>([
    ['user', { user: 'system:serviceaccount:team-b:spark' }],
    ['groups', { groups: [] }],
    ['verb', { verb: 'get' }],
    ['API group', { group: '' }],
    ['resource', { resource: 'vaultintegrations' }],
    ['namespace', { namespace: 'team-b' }],
    ['name', { name: 'lake' }],
  ])('is another one with another %s', async (_, more) => {
    const { may, asked } = reviewer({ allowed: true });
    await may();
    await may(more);
    expect(asked).toHaveLength(2);
  });

  it('is asked again by who came after the request had started', async () => {
    const { may, asked, clock } = reviewer({ allowed: true }, { allowed: false });
    expect(await may()).toBe(true);
    await clock.advance(500);
    expect(await may({}, 500)).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('is asked again after two seconds', async () => {
    const { may, asked, clock } = reviewer({ allowed: false }, { allowed: true });
    await may();
    await clock.advance(1_999);
    expect(await may()).toBe(false);
    await clock.advance(1);
    expect(await may()).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('has no answer if there is an error, which is not kept', async () => {
    const error = new KubeError({ code: 'Unreachable', message: 'x' });
    const { may } = reviewer(error, { allowed: true });
    await expect(may()).rejects.toBe(error);
    expect(await may()).toBe(true);
  });
});
