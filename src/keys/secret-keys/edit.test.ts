import { describe, expect, it } from 'vitest';
import { StatusError } from '../../aggregation/errors.ts';
import type { ResourceRequest } from '../../aggregation/resource.ts';
import { AuditError } from '../../audit/errors.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { KubeError } from '../../kube/errors.ts';
import { createKey, deleteKey, updateKey, type EditDependencies } from './edit.ts';
import type { Edit, StorePlace } from './write.ts';
import { ann, integration, lab, reference, store, type Setting } from './test-support.ts';

const VALUE = 'hunter2-planted';
const NAME = 'kubernetes:marketing:a';
const bodyOf = (name: string) => ({ metadata: { name }, spec: { value: VALUE } });

/** The handlers with a writer that only says what it is to do. */
function desk(setting: Setting = {}, fails?: Error) {
  const made = lab({ stores: [store('stores-marketing', 'a')], ...setting });
  const written: [string, Edit, boolean][] = [];
  const order: string[] = [];
  const writer: EditDependencies['writer'] = {
    write: async (place: StorePlace, edit, { dryRun }) => {
      order.push('write');
      if (fails) throw fails;
      written.push([`${place.namespace}/${place.name}`, edit, dryRun]);
      return { metadata: { name: place.name, uid: 'u', resourceVersion: '1' } };
    },
  };
  const { audit } = made.deps;
  const deps: EditDependencies = {
    ...made.deps,
    writer,
    audit: {
      ...audit,
      intend: async (...given) => {
        order.push('intend');
        await audit.intend(...given);
      },
      conclude: async (...given) => {
        order.push('conclude');
        await audit.conclude(...given);
      },
    },
  };
  const request = (more: Partial<ResourceRequest>): ResourceRequest => ({
    verb: 'create',
    caller: ann,
    namespace: 'team-a',
    dryRun: false,
    fieldSelector: [],
    signal: new AbortController().signal,
    ...more,
  });
  return {
    ...made,
    deps,
    written,
    order,
    create: async (name = NAME, more: Partial<ResourceRequest> = {}) =>
      createKey(request({ body: bodyOf(name), ...more }), deps),
    update: async (name = NAME, more: Partial<ResourceRequest> = {}) =>
      updateKey(request({ name, body: { spec: { value: VALUE } }, ...more }), deps),
    remove: async (name = NAME, more: Partial<ResourceRequest> = {}) =>
      deleteKey(request({ name, ...more }), deps),
  };
}

describe('a write', () => {
  it.each(['create', 'update', 'remove'] as const)('%s: intent, write, outcome', async (verb) => {
    const made = desk();
    const { object } = await made[verb]();
    expect(object).toEqual({
      metadata: { name: NAME, namespace: 'team-a' },
      spec: { secret: { key: 'a', source: { type: 'KUBERNETES', id: 'marketing' } } },
    });
    expect(made.order).toEqual(['intend', 'write', 'conclude']);
    expect(made.written).toMatchObject([['sys/stores-marketing', { key: 'a' }, false]]);
    const action = verb === 'remove' ? 'delete-key' : 'write-key';
    const reason = { create: 'Created', update: 'Updated', remove: 'Deleted' }[verb];
    expect(made.audited).toMatchObject([
      { action, outcome: 'allowed', reason: 'Intended', key: 'a', actor: { kind: 'user', name: 'ann' } },
      { action, outcome: 'allowed', reason, source: { type: 'KUBERNETES', id: 'marketing' } },
    ]);
    expect(JSON.stringify([object, made.audited, made.noted])).not.toContain(VALUE);
  });

  it('asks for the verb write on the domain', async () => {
    const { create, asked } = desk();
    await create();
    expect(asked).toEqual([
      { ...ann, verb: 'write', group: 'fairlead.dev', resource: 'domains', name: 'marketing' },
    ]);
  });

  it('goes by the label that the API server has at this moment', async () => {
    const { create, gets } = desk();
    await create();
    await create();
    expect(gets).toEqual(['namespaces team-a', 'namespaces team-a']);
  });

  it('in a dry run is tried and not done', async () => {
    const { create, written, audited } = desk();
    await create(NAME, { dryRun: true });
    expect(written).toMatchObject([['sys/stores-marketing', { verb: 'create' }, true]]);
    expect(audited).toMatchObject([{ reason: 'DryRun', message: 'dry run: nothing is written' }]);
  });

  it('warns of a value that no environment variable can hold', async () => {
    const { create } = desk();
    const long = { metadata: { name: NAME }, spec: { value: 'x'.repeat(131_072) } };
    expect((await create(NAME, { body: long })).warnings).toEqual([
      'it cannot be an environment variable: the variable is over 131071 bytes with its name',
    ]);
    expect((await create()).warnings).toEqual([]);
  });

  const controller = { ...ann, user: 'system:serviceaccount:kube-system:namespace-controller' };
  const namespaces = (domain: string) => ({ 'team-a': domain });
  it.each<[string, string, Setting, Partial<ResourceRequest>, string, string]>([
    ['of the global store', 'kubernetes:global:a', {}, {}, 'ReadOnly', 'global store is read-only'],
    [
      'of the global store, from a namespace whose label says global',
      'kubernetes:global:a',
      { namespaces: namespaces('global') },
      {},
      'ReadOnly',
      'global store is read-only',
    ],
    [
      "of another domain's store",
      'kubernetes:finance:a',
      {},
      {},
      'DomainForbidden',
      'not open to domain marketing',
    ],
    ['in Vault', 'vault:v1:a', { integrations: [integration('v1')] }, {}, 'ReadOnly', 'written in Vault'],
    ['without a domain', NAME, { namespaces: { 'team-a': undefined } }, {}, 'DomainMissing', 'no label'],
    [
      'of a domain that is no DNS label',
      'kubernetes:a.b:x',
      { namespaces: namespaces('a.b') },
      {},
      'DomainForbidden',
      'no domain that has a store',
    ],
    [
      'without the verb on the domain',
      NAME,
      { may: () => false },
      {},
      'WriteForbidden',
      'the verb write on domains.fairlead.dev/marketing',
    ],
    [
      'by the namespace controller',
      NAME,
      {},
      { caller: controller },
      'CleanerRefused',
      'stays when a namespace goes',
    ],
  ])('%s is refused and noted', async (_, name, setting, more, reason, message) => {
    for (const verb of ['create', 'update', 'remove'] as const) {
      const made = desk(setting);
      await expect(made[verb](name, more)).rejects.toMatchObject({
        code: 'Forbidden',
        message: expect.stringContaining(message),
      });
      expect(made.noted).toMatchObject([{ outcome: 'refused', reason }]);
      expect([made.order, made.audited]).toEqual([[], []]);
    }
  });

  it.each([
    ['being deleted', { deletionTimestamp: '2026-01-01T00:00:00Z' }, {}],
    ['terminating', {}, { status: { phase: 'Terminating' } }],
  ])('in a namespace that is %s is refused', async (_, meta, more) => {
    const made = desk();
    const metadata = {
      name: 'team-a',
      uid: 'u',
      resourceVersion: '1',
      labels: { 'fairlead.dev/domain': 'marketing' },
      ...meta,
    };
    made.deps.client.get = async <T = KubeObject>() => ({ metadata, ...more }) as T;
    for (const verb of ['create', 'update', 'remove'] as const) {
      await expect(made[verb]()).rejects.toMatchObject({ code: 'Forbidden' });
    }
    expect(made.order).toEqual([]);
  });

  it('of what is no object is refused, and the audit has the fields and nothing of what they say', async () => {
    const made = desk();
    const body = { metadata: { name: `kubernetes:marketing:${VALUE}/..` }, spec: { value: 1 } };
    await expect(made.create('', { body })).rejects.toMatchObject({ code: 'Invalid' });
    expect(made.noted).toMatchObject([
      { action: 'write-key', outcome: 'refused', reason: 'Invalid', message: 'spec.value, metadata.name' },
    ]);
    expect(JSON.stringify(made.noted)).not.toContain(VALUE);
  });

  it.each(['update', 'remove'] as const)('of what is no name is refused and noted: %s', async (verb) => {
    const made = desk();
    await expect(made[verb]('kubernetes:marketing:a/b')).rejects.toMatchObject({ code: 'NotFound' });
    expect(made.noted).toMatchObject([{ outcome: 'refused', reason: 'NameInvalid' }]);
  });

  it('in no namespace is not found', async () => {
    await expect(desk({ namespaces: {} }).create()).rejects.toMatchObject({
      code: 'NotFound',
      details: { kind: 'namespaces' },
    });
  });

  it('is not done while the fence does not stand', async () => {
    const { create, order } = desk({ problem: 'a policy is missing' });
    await expect(create()).rejects.toMatchObject({ code: 'ServiceUnavailable' });
    expect(order).toEqual([]);
  });

  it('is not done if its audit cannot be written', async () => {
    const intend = async () => Promise.reject(new AuditError('Unwritable', 'it cannot be written (ENOSPC)'));
    const { create, order } = desk({ audit: { intend } });
    await expect(create()).rejects.toBeInstanceOf(AuditError);
    expect(order).toEqual(['intend']);
  });

  it('is not done while nobody says whether it may be', async () => {
    const may = async () => Promise.reject(new KubeError({ code: 'Timeout', message: 'm' }));
    const { create, order } = desk({ may });
    await expect(create()).rejects.toBeInstanceOf(KubeError);
    expect(order).toEqual([]);
  });

  it('that fails has that in the audit', async () => {
    const { create, audited } = desk({}, new StatusError('AlreadyExists', 'm'));
    await expect(create()).rejects.toMatchObject({ code: 'AlreadyExists' });
    expect(audited.at(-1)).toMatchObject({ outcome: 'failed', reason: 'AlreadyExists' });
  });

  it('of a name that is none is not found', async () => {
    for (const name of ['hunter2', 'kubernetes:marketing:a%2Fb']) {
      await expect(desk().update(name)).rejects.toMatchObject({ code: 'NotFound' });
      await expect(desk().remove(name)).rejects.toMatchObject({ code: 'NotFound' });
    }
  });
});

describe('a deletion', () => {
  const references = [
    reference('team-a/warehouse', 'KUBERNETES/marketing/a'),
    reference('team-b/lake', 'KUBERNETES/marketing/b', 'KUBERNETES/marketing/a'),
    reference('team-b/other', 'KUBERNETES/marketing/b'),
  ];

  it('warns of the references that still name the key', async () => {
    const { warnings } = await desk({ references }).remove();
    expect(warnings).toEqual([
      '2 SecretReferences still name key a of KUBERNETES/marketing: team-a/warehouse, team-b/lake',
    ]);
  });

  it('tells names only where the caller may list references', async () => {
    const may: Setting['may'] = ({ resource, namespace }) => resource === 'domains' || namespace === 'team-b';
    expect((await desk({ references, may }).remove()).warnings).toEqual([
      '2 SecretReferences still name key a of KUBERNETES/marketing: team-b/lake',
      'and 1 more',
    ]);
    const mayNot: Setting['may'] = ({ resource }) => resource === 'domains';
    expect((await desk({ references, may: mayNot }).remove()).warnings).toEqual([
      '2 SecretReferences still name key a of KUBERNETES/marketing',
    ]);
  });

  it('does not warn if none names it', async () => {
    expect((await desk({ references: [references[2] ?? references[0]!] }).remove()).warnings).toEqual([]);
  });

  it('cannot be bound to a uid, since there is none', async () => {
    const body = { preconditions: { uid: 'u' } };
    await expect(desk().remove(NAME, { body })).rejects.toMatchObject({ code: 'Conflict' });
    await expect(desk().remove(NAME, { body: { preconditions: {} } })).resolves.toBeDefined();
  });
});
