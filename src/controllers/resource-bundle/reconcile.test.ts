import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { KubeError, type KubeErrorFacts } from '../../kube/errors.ts';
import type { Problem } from '../../resolve/problem.ts';
import { grantsOf } from './grants.ts';
import { reconcileBundle, type BundleDependencies } from './reconcile.ts';

const KEY = 'sys/finance';
const permissions = [{ subjects: [{ kind: 'User' as const, name: 'jane' }], allow: ['Use' as const] }];
const metadata = { name: 'finance', namespace: 'sys', uid: 'u1', resourceVersion: '1', generation: 3 };
const grant = grantsOf(metadata, { permissions }, ['a']).get('Use')!;
const key = (name: string) => `sys/${name}`;
const live = <T extends { metadata: object }>(object: T) => ({
  ...object,
  metadata: { ...object.metadata, uid: 'r', resourceVersion: '1' },
});
const standing = [
  new Map([[key(grant.role.metadata.name), live(grant.role)]]),
  new Map([[key(grant.binding.metadata.name), live(grant.binding)]]),
] as const;

interface Stage {
  readonly bundle?: object;
  readonly integrations?: readonly string[];
  readonly stands?: boolean;
  readonly fence?: Problem;
  readonly refuses?: Partial<KubeErrorFacts>;
  /** Which writes are refused, in short; without it all. */
  readonly refused?: RegExp;
}

/** One pass; what was written in short, and what the status says. */
async function pass({ bundle, integrations = [], stands = false, fence, refuses, refused = /^/ }: Stage) {
  const written: string[] = [];
  let status: Record<string, unknown> | undefined;
  const events: string[] = [];
  const act =
    (verb: string) =>
    async (resource: { plural: string }, ref: { name: string; subresource?: string }, body?: unknown) => {
      const what = `${verb} ${resource.plural} ${ref.name}`;
      if (ref.subresource === 'status') status = (body as { status: Record<string, unknown> }).status;
      else if (refuses && refused.test(what))
        throw new KubeError({ code: 'Forbidden', message: 'x', ...refuses });
      else written.push(what);
    };
  const [roles, roleBindings] = stands ? standing : [new Map(), new Map()];
  const deps = {
    world: {
      bundles: new Map(bundle ? [[KEY, bundle]] : []),
      integrations: { byIndex: () => integrations.map((name) => ({ metadata: { name } })) },
      roles,
      roleBindings,
    },
    client: { patch: act('apply'), delete: act('delete') },
    clock: new FakeClock(),
    events: { record: ({ reason }: { reason: string }) => void events.push(reason) },
    fence: () => fence,
  } as unknown as BundleDependencies;
  const outcome = await reconcileBundle(KEY, new AbortController().signal, deps);
  return { written, status, events, outcome };
}

const bundle = { metadata, spec: { permissions }, status: undefined };
const missing: Problem = { reason: 'DeliveryRefused', message: 'a policy is missing' };

describe('one pass for a bundle', () => {
  it('writes what is missing and says what it covers', async () => {
    const { written, status, events } = await pass({ bundle, integrations: ['b', 'a'] });
    expect(written).toEqual([
      'apply roles fairlead-bundle-finance-use',
      'apply rolebindings fairlead-bundle-finance-use',
    ]);
    expect(status).toMatchObject({ integrations: ['a', 'b'], integrationCount: 2, observedGeneration: 3 });
    expect(events).toEqual(['Granted']);
  });

  it('writes nothing when nothing changed', async () => {
    const first = await pass({ bundle, integrations: ['a'], stands: true });
    const again = await pass({
      bundle: { ...bundle, status: first.status },
      integrations: ['a'],
      stands: true,
    });
    expect(again).toMatchObject({ written: [], status: undefined, events: [] });
  });

  it.each<[string, Stage]>([
    ['that has no integration left', { bundle, stands: true }],
    ['that is gone', { stands: true, integrations: ['a'] }],
    [
      'that is on its way out',
      {
        bundle: { ...bundle, metadata: { ...metadata, deletionTimestamp: 'now' } },
        stands: true,
        integrations: ['a'],
      },
    ],
    ['that has no integration left, also without the fence', { bundle, stands: true, fence: missing }],
  ])('removes the Roles of one %s', async (_, stage) => {
    const { written } = await pass(stage);
    expect(written).toEqual([
      'delete rolebindings fairlead-bundle-finance-use',
      'delete roles fairlead-bundle-finance-use',
    ]);
  });

  it('grants nothing without the policies that fence it in', async () => {
    const { written, outcome } = await pass({ bundle, integrations: ['a'], fence: missing });
    expect(written).toEqual([]);
    expect(outcome).toMatchObject({
      kind: 'waiting',
      reason: 'RolesRefused',
      message: 'a policy is missing',
    });
  });

  it('says which policy refuses it, in words of its own', async () => {
    const serverMessage =
      "ValidatingAdmissionPolicy 'fairlead-fence-roles' with binding 'b' denied request: planted";
    const { outcome, status } = await pass({
      bundle,
      integrations: ['a'],
      refuses: { code: 'Invalid', serverMessage },
    });
    const message =
      'the API server refuses to apply Role fairlead-bundle-finance-use: the ValidatingAdmissionPolicy fairlead-fence-roles refuses it';
    expect(outcome).toEqual({ kind: 'waiting', reason: 'RolesRefused', message });
    expect(JSON.stringify(status)).not.toContain('planted');
  });

  it('goes on with the other permissions after a refusal, but writes no binding without its Role', async () => {
    const allow = ['View' as const, 'Use' as const];
    const { written, outcome } = await pass({
      bundle: { ...bundle, spec: { permissions: [{ ...permissions[0]!, allow }] } },
      integrations: ['a'],
      refuses: {},
      refused: /roles .*-view/,
    });
    expect(written).toEqual([
      'apply roles fairlead-bundle-finance-use',
      'apply rolebindings fairlead-bundle-finance-use',
    ]);
    expect(outcome).toMatchObject({ reason: 'RolesRefused' });
  });

  it.each<[string, Stage]>([
    ['the fence is down', { fence: missing }],
    ['the API server refuses to narrow it', { refuses: {}, refused: /^apply/ }],
  ])('takes the binding away from a subject that left, if %s', async (_, stage) => {
    const others = [{ ...permissions[0]!, subjects: [{ kind: 'User', name: 'joe' }] }];
    const { written, outcome } = await pass({
      bundle: { ...bundle, spec: { permissions: others } },
      integrations: ['a'],
      stands: true,
      ...stage,
    });
    expect(written).toEqual(['delete rolebindings fairlead-bundle-finance-use']);
    expect(outcome).toMatchObject({ kind: 'waiting', reason: 'RolesRefused' });
  });

  it('takes it away for an integration that moved, too', async () => {
    const { written } = await pass({ bundle, integrations: ['b'], stands: true, fence: missing });
    expect(written).toEqual(['delete rolebindings fairlead-bundle-finance-use']);
  });

  it('says so if somebody keeps what they should not have', async () => {
    const { written, outcome } = await pass({
      bundle,
      integrations: ['b'],
      stands: true,
      refuses: { status: 403 },
    });
    expect(written).toEqual([]);
    expect(outcome).toMatchObject({
      message:
        'the API server refuses to delete RoleBinding fairlead-bundle-finance-use: HTTP 403 (Forbidden)',
    });
  });

  it('removes the Role even if its binding must stay', async () => {
    const { written } = await pass({
      bundle,
      stands: true,
      refuses: {},
      refused: /delete rolebindings/,
    });
    expect(written).toEqual(['delete roles fairlead-bundle-finance-use']);
  });

  it('is tried again after what can pass', async () => {
    await expect(pass({ bundle, integrations: ['a'], refuses: { code: 'Unreachable' } })).rejects.toThrow(
      KubeError,
    );
  });
});
