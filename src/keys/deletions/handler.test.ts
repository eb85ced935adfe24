import { describe, expect, it } from 'vitest';
import type { AccessQuestion } from '../../kube/access-review.ts';
import { lab, reference } from '../secret-keys/test-support.ts';
import { deletionWarnings } from './handler.ts';

const references = [
  reference('team-a/warehouse', 'VAULT/vault-prod/s3', 'KUBERNETES/marketing/a'),
  reference('team-b/lake', 'VAULT/vault-prod/s3', 'KUBERNETES/global/smtp'),
];
const review = (resource: string, name: string, more: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'review-1',
    kind: { group: '', version: 'v1', kind: 'Any' },
    resource: { group: resource === 'secrets' ? '' : 'fairlead.dev', version: 'v1', resource },
    operation: 'DELETE',
    namespace: 'sys',
    name,
    object: null,
    oldObject: { metadata: { name }, data: { planted: 'hunter2' } },
    userInfo: { username: 'ann', uid: '1', groups: ['team'], extra: { scope: ['all'] } },
    ...more,
  },
});

async function answer(body: unknown, may: (question: AccessQuestion) => boolean = () => true) {
  const { deps, asked } = lab({ references, may });
  const { signal } = new AbortController();
  return { ...(await deletionWarnings(deps)({ body, signal })), asked };
}
const allowed = (warnings?: readonly string[]) => ({
  status: 200,
  body: {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'review-1', allowed: true, ...(warnings && { warnings }) },
  },
});

describe('the deletion', () => {
  it.each([
    [
      'of an integration',
      'vaultintegrations',
      'vault-prod',
      '2 SecretReferences still name VaultIntegration vault-prod: team-a/warehouse, team-b/lake',
    ],
    [
      "of a domain's store",
      'secrets',
      'stores-marketing',
      '1 SecretReference still names the store of marketing (Secret stores-marketing): team-a/warehouse',
    ],
    [
      'of the global store',
      'secrets',
      'stores',
      '1 SecretReference still names the store of global (Secret stores): team-b/lake',
    ],
  ])('%s that is in use is allowed with a warning', async (_, resource, name, warning) => {
    expect(await answer(review(resource, name))).toMatchObject(allowed([warning]));
  });

  it('is asked about with the whole identity, and told in numbers to those who may not list', async () => {
    const { body, asked } = await answer(review('vaultintegrations', 'vault-prod'), () => false);
    expect(body).toEqual(allowed(['2 SecretReferences still name VaultIntegration vault-prod']).body);
    expect(asked[0]).toMatchObject({ user: 'ann', uid: '1', groups: ['team'], extra: { scope: ['all'] } });
  });

  it.each([
    ['an integration that nobody names', review('vaultintegrations', 'vault-test')],
    ['a store that nobody names', review('secrets', 'stores-finance')],
    ['any other Secret', review('secrets', 'vault-prod')],
    ['a Secret elsewhere', review('secrets', 'stores-marketing', { namespace: 'team-a' })],
    ['another resource', review('resourcebundles', 'vault-prod')],
    ['an update', review('vaultintegrations', 'vault-prod', { operation: 'UPDATE' })],
    ['a cluster-wide object', review('vaultintegrations', 'vault-prod', { namespace: undefined })],
  ])('of %s is allowed without one', async (_, body) => {
    const { status, body: told, asked } = await answer(body);
    expect({ status, body: told }).toEqual(allowed());
    expect(asked).toEqual([]);
  });

  it('goes by the object where the request has no name', async () => {
    const { request, ...head } = review('vaultintegrations', 'vault-prod');
    const { name: _, ...rest } = request;
    expect(await answer({ ...head, request: rest })).toMatchObject(allowed([expect.any(String)]));
  });

  it('is allowed by a user without groups, and with a body that has more than is looked at', async () => {
    const body = review('vaultintegrations', 'vault-prod', {
      userInfo: {},
      oldObject: null,
      options: { x: 1 },
    });
    expect((await answer(body)).body).toMatchObject({ response: { allowed: true } });
  });

  it('is allowed whatever goes wrong', async () => {
    const { deps } = lab({ references });
    deps.world.references.byIndex = () => {
      throw new TypeError('hunter2');
    };
    const logged: string[] = [];
    const log = { warn: (_: object, message: string) => void logged.push(message) };
    const { signal } = new AbortController();
    const handle = deletionWarnings({ ...deps, log });
    expect(await handle({ body: review('vaultintegrations', 'vault-prod'), signal })).toEqual(allowed());
    expect(logged).toEqual(['a deletion could not be warned about']);
  });

  it('is allowed by a request that has ended', async () => {
    const { deps } = lab({ references });
    const body = review('vaultintegrations', 'vault-prod');
    const handle = deletionWarnings(deps);
    expect(await handle({ body, signal: AbortSignal.abort() })).toMatchObject({ status: 200 });
  });
});

it.each([undefined, null, 'hunter2', {}, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }])(
  'what is no review has nobody to answer to: %j',
  async (body) => {
    const { status, body: told } = await answer(body);
    expect(status).toBe(400);
    expect(JSON.stringify(told)).not.toContain('hunter2');
  },
);
