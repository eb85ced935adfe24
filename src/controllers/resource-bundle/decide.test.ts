import { describe, expect, it } from 'vitest';
import type { Permission } from '../../api/resource-bundle.ts';
import {
  bundleOutcome,
  onlyTakingAway,
  plan,
  type LiveBinding,
  type LiveGrant,
  type LiveRole,
} from './decide.ts';
import { grantsOf, type Grant } from './grants.ts';

const owner = { name: 'finance', namespace: 'sys', uid: 'u1' };
const permissions = [{ subjects: [{ kind: 'User' as const, name: 'jane' }], allow: ['Use' as const] }];
const wanted = grantsOf(owner, { permissions }, ['a']);
const grant = wanted.get('Use')!;
const none = new Map<Permission, Grant>();

const server = { uid: 'r1', resourceVersion: '7' };
const role: LiveRole = { metadata: { ...grant.role.metadata, ...server }, rules: grant.role.rules };
const binding: LiveBinding = {
  metadata: { ...grant.binding.metadata, ...server },
  roleRef: grant.binding.roleRef,
  subjects: grant.binding.subjects,
};
const stands: LiveGrant = { role, binding };
const metadata = (more: Partial<LiveRole['metadata']>) => ({ ...role.metadata, ...more });

/** The steps in short: `apply role`. */
function steps(says: ReadonlyMap<Permission, Grant>, live: Partial<LiveGrant>): string[] {
  const missing = { role: undefined, binding: undefined };
  return plan(says, (permission) => (permission === 'Use' ? { ...missing, ...live } : missing)).map(
    (step) => `${step.do} ${step.what}`,
  );
}

describe('what has to be written', () => {
  it.each<[string, ReadonlyMap<Permission, Grant>, Partial<LiveGrant>, string[]]>([
    ['is nothing if all stands as it should', wanted, stands, []],
    ['is nothing if nothing is wanted and nothing is there', none, {}, []],
    ['is both, the Role first, if neither is there', wanted, {}, ['apply role', 'apply binding']],
    ['is the Role, if somebody deleted it', wanted, { binding }, ['apply role']],
    ['is the binding, if somebody deleted it', wanted, { role }, ['apply binding']],
    [
      'is the Role, if somebody added a name to it',
      wanted,
      { ...stands, role: { ...role, rules: [{ ...role.rules[0]!, resourceNames: ['a', 'b'] }] } },
      ['apply role'],
    ],
    [
      'is the Role, if somebody added a rule to it',
      wanted,
      { ...stands, role: { ...role, rules: [...role.rules, { verbs: ['*'] }] } },
      ['apply role'],
    ],
    [
      'is the binding, if somebody added a subject to it',
      wanted,
      { ...stands, binding: { ...binding, subjects: [...binding.subjects, { kind: 'User', name: 'eve' }] } },
      ['apply binding'],
    ],
    [
      'is what lost its label',
      wanted,
      { ...stands, role: { ...role, metadata: metadata({ labels: {} }) } },
      ['apply role'],
    ],
    [
      'is what belongs to an earlier bundle of the same name',
      wanted,
      {
        ...stands,
        role: {
          ...role,
          metadata: metadata({
            ownerReferences: [{ ...grant.role.metadata.ownerReferences[0]!, uid: 'old' }],
          }),
        },
      },
      ['apply role'],
    ],
    [
      'is the binding anew, if it leads to another Role',
      wanted,
      { ...stands, binding: { ...binding, roleRef: { ...binding.roleRef, name: 'admin' } } },
      ['delete binding', 'apply binding'],
    ],
    [
      'is nothing for labels and owners that others added',
      wanted,
      {
        ...stands,
        role: { ...role, metadata: metadata({ labels: { ...role.metadata.labels, team: 'x' } }) },
      },
      [],
    ],
    [
      'is the end of both, the binding first, if nobody is granted it any more',
      none,
      stands,
      ['delete binding', 'delete role'],
    ],
    ['is the end of a Role without a binding', none, { role }, ['delete role']],
  ])('%s', (_, says, live, expected) => {
    expect(steps(says, live)).toEqual(expected);
  });

  it('is taken away before it is given', () => {
    const view = grantsOf(owner, { permissions: [{ ...permissions[0]!, allow: ['View'] }] }, ['a']);
    const live = (permission: Permission) =>
      permission === 'Use' ? stands : { role: undefined, binding: undefined };
    expect(plan(view, live).map((step) => step.do)).toEqual(['delete', 'delete', 'apply', 'apply']);
  });

  it('is deleted by uid, so that a successor stays', () => {
    expect(plan(none, () => stands)[0]).toMatchObject({ do: 'delete', of: { uid: 'r1' } });
  });
});

/** The pair as it stands, with other subjects or other integrations. */
const subjects = (...names: string[]) =>
  names.map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }));
const names = (...resourceNames: string[]) => [{ ...role.rules[0]!, resourceNames }];
const pair = (rules: LiveRole['rules'], bound: LiveBinding['subjects']): LiveGrant => ({
  role: { ...role, rules },
  binding: { ...binding, subjects: bound },
});

describe('a pair that grants too much', () => {
  const inShort = (live: Partial<LiveGrant>) => {
    const all = plan(wanted, (permission) =>
      permission === 'Use'
        ? { role: undefined, binding: undefined, ...live }
        : { role: undefined, binding: undefined },
    );
    const tell = (some: typeof all) => some.map((step) => `${step.do} ${step.what}`);
    return { all: tell(all), unfenced: tell(onlyTakingAway(all)) };
  };

  it.each<[string, Partial<LiveGrant>, string[]]>([
    ['a subject more', pair(role.rules, subjects('eve', 'jane')), ['apply binding']],
    ['another subject', pair(role.rules, subjects('eve')), ['apply binding']],
    ['an integration more', pair(names('a', 'moved'), binding.subjects), ['apply role']],
    ['another integration', pair(names('moved'), binding.subjects), ['apply role']],
    ['no names, which are all', pair(names(), binding.subjects), ['apply role']],
    ['a verb more', pair([{ ...role.rules[0]!, verbs: ['use', 'get'] }], binding.subjects), ['apply role']],
    [
      'a rule more',
      pair(
        [...role.rules, { apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['use'] }],
        binding.subjects,
      ),
      ['apply role'],
    ],
    [
      'a subject and an integration more: neither may meet what is new of the other',
      pair(names('moved'), subjects('eve')),
      ['delete binding', 'apply role', 'apply binding'],
    ],
    [
      'a subject more, and no Role, without which no binding can be written',
      { binding: pair([], subjects('eve', 'jane')).binding },
      ['delete binding', 'apply role', 'apply binding'],
    ],
  ])('loses its binding if it cannot be narrowed: %s', (_, live, expected) => {
    expect(inShort(live)).toEqual({ all: expected, unfenced: ['delete binding'] });
  });

  it.each<[string, Partial<LiveGrant>]>([
    ['a subject that is missing', pair(role.rules, [])],
    ['an integration that is missing', pair([], binding.subjects)],
    ['a label that is missing', { ...stands, role: { ...role, metadata: metadata({ labels: {} }) } }],
    ['a Role that nobody is bound to', { role: { ...role, rules: names('a', 'moved') } }],
  ])('is not one with %s', (_, live) => {
    expect(inShort(live).unfenced).toEqual([]);
  });

  it('is narrowed before anything is given, in whichever permission', () => {
    const allow = ['View' as const, 'Use' as const];
    const both = grantsOf(owner, { permissions: [{ ...permissions[0]!, allow }] }, ['a', 'b']);
    const steps_ = plan(both, (permission) =>
      permission === 'Use'
        ? pair(role.rules, subjects('eve', 'jane'))
        : { role: undefined, binding: undefined },
    );
    expect(steps_.map((step) => `${step.do} ${step.what} of ${step.permission}`)).toEqual([
      'apply binding of Use',
      'apply role of View',
      'apply binding of View',
      'apply role of Use',
    ]);
  });
});

describe('a bundle says', () => {
  it.each<[string, ReadonlyMap<Permission, Grant>, string[], string]>([
    ['what it grants', wanted, ['a'], 'Use to 1 subjects on 1 integrations'],
    [
      'that it has no integrations',
      none,
      [],
      'no VaultIntegration has this spec.resourceBundle, so nobody is granted anything',
    ],
    ['that it has no permissions', none, ['a'], 'spec.permissions is empty, so nobody is granted anything'],
  ])('%s', (_, says, integrations, message) => {
    expect(bundleOutcome(says, integrations)).toMatchObject({ kind: 'done', reason: 'Granted', message });
  });
});
