import { describe, expect, it } from 'vitest';
import { expectedPolicies, matches } from './policies.ts';

const rule = { apiGroups: [''], resources: ['secrets'] };
const wanted = {
  failurePolicy: 'Fail',
  matchConstraints: { resourceRules: [rule] },
  validations: [{ expression: 'a' }],
};

describe('a live policy matches the one expected', () => {
  it.each([
    ['word for word', wanted],
    [
      'with what the API server fills in',
      {
        ...wanted,
        matchConstraints: {
          resourceRules: [{ ...rule, scope: '*' }],
          matchPolicy: 'Equivalent',
          namespaceSelector: {},
          objectSelector: {},
        },
      },
    ],
    ['with empty lists', { ...wanted, auditAnnotations: [] }],
  ])('%s', (_, live) => {
    expect(matches(wanted, live)).toBe(true);
  });

  it.each([
    ['a changed expression', { ...wanted, validations: [{ expression: 'true' }] }],
    ['a validation less', { ...wanted, validations: [] }],
    ['a validation more', { ...wanted, validations: [{ expression: 'a' }, { expression: 'b' }] }],
    ['another failure policy', { ...wanted, failurePolicy: 'Ignore' }],
    [
      'a condition that exempts somebody',
      { ...wanted, matchConditions: [{ name: 'x', expression: 'false' }] },
    ],
    [
      'an exclusion',
      { ...wanted, matchConstraints: { resourceRules: [rule], excludeResourceRules: [rule] } },
    ],
    [
      'a namespace selector',
      {
        ...wanted,
        matchConstraints: { resourceRules: [rule], namespaceSelector: { matchLabels: { a: 'b' } } },
      },
    ],
    ['a parameter', { ...wanted, paramKind: { kind: 'ConfigMap' } }],
    ['nothing at all', undefined],
  ])('but not with %s', (_, live) => {
    expect(matches(wanted, live)).toBe(false);
  });
});

describe('the policies that come with Fairlead', () => {
  const directories = ['policies', 'strict'].map((dir) => new URL(`../../config/${dir}/`, import.meta.url));
  const settings = {
    systemNamespace: 'fairlead-system',
    tokenAudiences: ['vault'],
    storePrefix: 'iomete-secret-store',
  };

  it('have a binding that denies for each of them', async () => {
    const policies = await expectedPolicies(directories, settings);
    const names = [...policies.keys()].filter((id) => id.startsWith('ValidatingAdmissionPolicy/'));
    expect(names.length).toBeGreaterThanOrEqual(8);
    for (const id of names) {
      const binding = policies.get(id.replace('Policy/', 'PolicyBinding/'));
      expect(binding?.spec).toEqual({ policyName: id.split('/')[1], validationActions: ['Deny'] });
      expect(policies.get(id)?.spec).toMatchObject({ failurePolicy: 'Fail' });
    }
  });

  it('speak of the system namespace that is configured', async () => {
    const text = JSON.stringify([
      ...(await expectedPolicies(directories, { ...settings, systemNamespace: 'secrets-prod' })).values(),
    ]);
    expect(text).toContain('system:serviceaccount:secrets-prod:fairlead-controller');
    expect(text).not.toContain('fairlead-system');
  });

  it('speak of the stores that are configured', async () => {
    const changed = { ...settings, storePrefix: 'secrets' };
    const text = JSON.stringify([...(await expectedPolicies(directories, changed)).values()]);
    expect(text).toContain("startsWith('secrets-')");
    expect(text).not.toContain('iomete-secret-store');
  });

  it('speak of the audiences that are configured', async () => {
    const text = async (tokenAudiences: readonly string[]) =>
      JSON.stringify([...(await expectedPolicies(directories, { ...settings, tokenAudiences })).values()]);
    expect(await text(['vault'])).toContain("['vault']");
    const changed = await text(['openbao', 'https://vault.example.com:8200']);
    expect(changed).toContain("['openbao', 'https://vault.example.com:8200']");
    expect(changed).not.toContain("['vault']");
  });
});
