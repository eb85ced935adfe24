import { describe, expect, it } from 'vitest';
import type { EnvEntry } from '../../api/secret-reference.ts';
import type { Seen } from '../api/see.ts';
import { kubeError, scriptedApi } from '../test-support.ts';
import { aboutPod } from './gather.ts';
import type { Known, SeenIntegration, SeenPod, SeenReference, SeenStorage } from './known.ts';
import { reportOf } from './report.ts';
import { rowsOf, type Row } from './rows.ts';
import { textOf } from './text.ts';

const found = <T>(object: T): Seen<T> => ({ kind: 'found', object });
const hidden = (needs: string) => ({ kind: 'hidden', needs }) as const;
const ABSENT = { kind: 'absent' } as const;

const entry = (name: string, type: 'VAULT' | 'KUBERNETES', id: string, more = {}): EnvEntry => ({
  name,
  secret: { key: 'k', source: { type, id }, ...more },
});
const condition = (type: string, status: string, reason: string, message = 'why') =>
  ({ type, status, reason, message, lastTransitionTime: '' }) as never;

function reference(name: string, env: EnvEntry[], more: Partial<SeenReference> = {}): Seen<SeenReference> {
  const entries = env.map(({ name: of, secret: { source } }) => ({ name: of, ...source, state: 'Resolved' }));
  return found({
    metadata: { name, generation: 1 },
    spec: { env },
    status: { observedGeneration: 1, conditions: [condition('Ready', 'True', 'Resolved')], entries },
    ...more,
  });
}

function integration(domains: string[], status: SeenIntegration['status'] = {}): Seen<SeenIntegration> {
  const spec = { displayName: 'v', host: 'https://v', path: '/v1/kv/data/a', domains, auth: {} };
  return found({ metadata: { name: 'v' }, spec, status });
}

function known(more: Partial<Known> = {}): Known {
  return {
    ...{ namespace: 'team-a', systemNamespace: 'fairlead-system' },
    ofNamespace: found({ metadata: { name: 'team-a', labels: { 'fairlead.dev/domain': 'marketing' } } }),
    ...{
      references: new Map(),
      storages: new Map(),
      integrations: new Map(),
      use: new Map(),
      events: found([]),
    },
    ...more,
  };
}

/** One entry of one reference, in a world that is otherwise fine. */
function row(of: EnvEntry, more: Partial<Known> = {}): Row | undefined {
  const references = new Map([['r', reference('r', [of])]]);
  const integrations = new Map([['v', integration(['marketing'])]]);
  return rowsOf(known({ references, integrations, use: new Map([['v', 'yes']]), ...more }), [])[0];
}

describe('a row of a storage', () => {
  const spec = { type: 'minio', bucket: 'b', endpoint: 'http://m', accessKey: 'planted' } as const;
  const stored = { key: 'k', source: { type: 'VAULT', id: 'v' } } as const;
  const storage = (name: string, more: Partial<SeenStorage> = {}): Seen<SeenStorage> =>
    found({
      metadata: { name, generation: 1 },
      spec: { ...spec, bucket: name, storageSecret: stored },
      ...more,
    });
  const entries = [{ name: 'AWS_SECRET_ACCESS_KEY', type: 'VAULT', id: 'v', state: 'Resolved', version: 3 }];
  const world = (...names: string[]) =>
    known({
      storages: new Map(
        names.map((name) => [name, storage(name, { status: { observedGeneration: 1, entries } })]),
      ),
      integrations: new Map([['v', integration(['marketing'])]]),
      use: new Map([['v', 'yes']]),
    });

  it('says where the value is, and shows none', () => {
    const rows = rowsOf(world('lake'), []);
    expect(rows.find(({ variable }) => variable === 'AWS_ACCESS_KEY_ID')).toEqual({
      ...{ variable: 'AWS_ACCESS_KEY_ID', storage: 'lake', key: 'accessKey', optional: false },
      ...{ source: { type: 'STORAGE', id: 'lake' }, path: 'the StorageConfig lake itself' },
      ...{ domainCovered: 'yes', youMayUse: '-', state: 'not checked yet' },
    });
    expect(rows.find(({ variable }) => variable === 'AWS_SECRET_ACCESS_KEY')).toMatchObject({
      ...{
        storage: 'lake',
        key: 'k',
        path: '/v1/kv/data/a',
        version: 3,
        youMayUse: 'yes',
        state: 'Resolved',
      },
    });
    expect(textOf(reportOf(world('lake'), 'lake'))).toContain('storage lake');
    expect(JSON.stringify(reportOf(world('lake'), 'lake'))).not.toContain('planted');
  });

  it('is there for the variables of the first storage alone, as the pod gets them', () => {
    const rows = rowsOf(world('lake', 'raw'), []);
    const of = (end: string) =>
      rows.filter(({ variable }) => variable.endsWith(end)).map((one) => one.storage);
    expect(of('AWS_REGION')).toEqual(['lake']);
    expect(of('.endpoint')).toEqual(['lake', 'raw']);
  });

  it('leaves a problem where there is none: what is missing, and what is hidden', () => {
    const { problems, notVisible } = reportOf(
      known({
        storages: new Map<string, Seen<SeenStorage>>([
          ['gone', ABSENT],
          ['theirs', hidden('get x')],
        ]),
      }),
      'job',
    );
    expect(problems.map(({ reason }) => reason)).toEqual(['StorageConfigNotFound']);
    expect(notVisible).toEqual(['StorageConfig theirs: not visible to you (needs get x)']);
  });
});

describe('a row', () => {
  const vault = entry('A', 'VAULT', 'v');
  it.each<[string, EnvEntry, Partial<Known>, Partial<Row>]>([
    [
      'of Vault has the path, and both permissions',
      vault,
      {},
      {
        variable: 'A',
        reference: 'r',
        key: 'k',
        path: '/v1/kv/data/a',
        domainCovered: 'yes',
        youMayUse: 'yes',
        state: 'Resolved',
      },
    ],
    [
      'goes below the path',
      entry('A', 'VAULT', 'v', { path: '/db/main/' }),
      {},
      { path: '/v1/kv/data/a/db/main' },
    ],
    ['has the version that is asked for', entry('A', 'VAULT', 'v', { version: 3 }), {}, { version: 3 }],
    ['names the property', entry('A', 'VAULT', 'v', { property: 'a.b' }), {}, { key: 'k property a.b' }],
    [
      'has the path as the controller understood it',
      vault,
      { integrations: new Map([['v', integration(['*'], { mount: 'kv', secretPath: 'b' })]]) },
      { path: '/v1/kv/data/b', domainCovered: 'yes' },
    ],
    [
      'says that the integration is not shared',
      vault,
      { integrations: new Map([['v', integration(['finance'])]]) },
      { domainCovered: 'no' },
    ],
    [
      'says that there is no integration',
      vault,
      { integrations: new Map([['v', ABSENT]]) },
      { path: '', domainCovered: 'no' },
    ],
    [
      'does not guess what is hidden',
      vault,
      { integrations: new Map([['v', hidden('x')]]), use: new Map([['v', 'unknown']]) },
      { path: 'not visible', domainCovered: 'not visible', youMayUse: 'unknown' },
    ],
    ['does not guess the domain', vault, { ofNamespace: hidden('x') }, { domainCovered: 'not visible' }],
    [
      'of a store needs no right',
      entry('A', 'KUBERNETES', 'marketing'),
      {},
      { path: 'the store of marketing', domainCovered: 'yes', youMayUse: '-' },
    ],
    ['of another store', entry('A', 'KUBERNETES', 'finance'), {}, { domainCovered: 'no' }],
    [
      'of the global store',
      entry('A', 'KUBERNETES', 'global'),
      {},
      { path: 'the global store', domainCovered: 'yes' },
    ],
    [
      'in a namespace without a domain',
      entry('A', 'KUBERNETES', 'global'),
      { ofNamespace: found({ metadata: { name: 'team-a' } }) },
      { domainCovered: 'no' },
    ],
  ])('%s', (_, of, more, expected) => {
    expect(row(of, more)).toMatchObject(expected);
  });

  it('has no news of a version that was not looked at', () => {
    const seen = reference('r', [vault], { metadata: { name: 'r', generation: 2 } });
    expect(row(vault, { references: new Map([['r', seen]]) })?.state).toBe('not checked yet');
  });

  it('of an import tells how many variables it makes', () => {
    const spec = { envFrom: [{ source: { type: 'VAULT', id: 'v' }, select: { prefix: 'db_' } }] } as const;
    const imports = [{ type: 'VAULT', id: 'v', state: 'Resolved', variables: 7, version: 2 }];
    const seen = reference('r', [], { spec: spec as never, status: { observedGeneration: 1, imports } });
    expect(row(vault, { references: new Map([['r', seen]]) })).toMatchObject({
      ...{ variable: 'envFrom[0]', key: 'db_*', version: 2, variables: 7, state: 'Resolved' },
    });
  });
});

const DELIVERY = 'fairlead-d-1';
function pod(more: { metadata?: object; spec?: object; status?: object } = {}): SeenPod {
  return {
    metadata: {
      ...{ name: 'p', namespace: 'team-a', uid: 'u' },
      annotations: { 'fairlead.dev/secret-references': 'r,s', 'fairlead.dev/delivered': DELIVERY },
      ...more.metadata,
    },
    spec: {
      containers: [
        { name: 'main', env: [{ name: 'A', value: 'x' }], envFrom: [{ secretRef: { name: DELIVERY } }] },
        { name: 'side', env: [{ name: 'A', value: 'x' }] },
      ],
      ...more.spec,
    },
    status: { phase: 'Running', ...more.status },
  };
}
const GATED = {
  metadata: { annotations: { 'fairlead.dev/secret-references': 'r,s' } },
  spec: {
    schedulingGates: [{ name: 'fairlead.dev/secrets' }],
    containers: [{ name: 'main', envFrom: [{ secretRef: { name: DELIVERY } }] }],
  },
  status: {
    phase: 'Pending',
    conditions: [condition('fairlead.dev/SecretsDelivered', 'False', 'KeyNotFound', 'A is not there')],
  },
};
const R = reference('r', [entry('A', 'KUBERNETES', 'global')]);
const S = reference('s', [entry('A', 'VAULT', 'v')]);

describe('a report on a pod', () => {
  it('that was served tells who reads what', () => {
    const report = reportOf(known({ pod: pod(), references: new Map([['r', R]]) }), 'p');
    expect(report).toMatchObject({
      ok: true,
      domain: 'marketing',
      pod: {
        ...{ asks: true, gate: 'not held', delivered: true, delivery: DELIVERY, references: ['r', 's'] },
        ...{ containers: ['main'], ownEnv: ['A in main'] },
      },
    });
    expect(textOf(report)).toContain('no condition: the pod got its secrets at the first try');
  });

  it('that waits tells why, and what to do', () => {
    const report = reportOf(known({ pod: pod(GATED), references: new Map([['r', R]]) }), 'p');
    expect(report).toMatchObject({
      ...{ ok: false, pod: { gate: 'held', delivered: false, delivery: DELIVERY } },
      ...{
        condition: { status: 'False', reason: 'KeyNotFound' },
        fix: expect.stringContaining('Correct the key'),
      },
    });
    expect(textOf(report)).toMatch(
      /SecretsDelivered: +False KeyNotFound\nMessage: +A is not there\nFix: .*\nRead: +docs\/reasons\.md#keynotfound\n/,
    );
  });

  it('finds conflicts and what is missing, and leaves out what it cannot see', () => {
    const references = new Map<string, Seen<SeenReference>>([
      ['r', R],
      ['s', S],
      ['t', ABSENT],
      ['u', hidden('x')],
    ]);
    const { problems, notVisible } = reportOf(known({ pod: pod(GATED), references }), 'p');
    expect(problems).toEqual([
      {
        entry: 'A',
        reason: 'NameConflict',
        message: 'is defined in SecretReferences r and s with different sources',
      },
      { reason: 'ReferenceNotFound', message: 'SecretReference t does not exist in this namespace' },
    ]);
    expect(notVisible).toEqual(['SecretReference u: not visible to you (needs x)']);
  });

  it('names the missing domain', () => {
    const ofNamespace = found({ metadata: { name: 'team-a' } });
    const report = reportOf(known({ pod: pod(GATED), ofNamespace }), 'p');
    expect(report).toMatchObject({ domain: null, problems: [{ reason: 'DomainMissing' }] });
    expect(textOf(report)).toMatch(/Domain: +none/);
  });

  it('that asks for nothing is fine', () => {
    const plain = { metadata: { name: 'p' }, spec: { containers: [{ name: 'main' }] } } as SeenPod;
    const report = reportOf(known({ pod: plain }), 'p');
    expect(report).toMatchObject({ ok: true, pod: { asks: false } });
    expect(textOf(report)).toContain('asks for no secrets');
  });

  it('has its placeholders, too', () => {
    const env = [{ name: 'X', valueFrom: { secretKeyRef: { name: DELIVERY, key: 'FAIRLEAD_SECRET_smtp' } } }];
    const { variables } = reportOf(
      known({ pod: pod({ spec: { containers: [{ name: 'main', env }] } }) }),
      'p',
    );
    expect(variables).toMatchObject([{ variable: '${secrets.smtp}', path: 'the global store', key: 'smtp' }]);
  });

  it('shows the last events in order', () => {
    const event = (n: number) => ({
      type: 'Normal',
      reason: `E${n}`,
      lastTimestamp: `2026-01-01T00:00:${10 + n}Z`,
    });
    const events = found([3, 1, 2].map(event));
    expect(reportOf(known({ pod: pod(), events }), 'p').events.map(({ reason }) => reason)).toEqual([
      'E1',
      'E2',
      'E3',
    ]);
  });
});

describe('a report on a reference', () => {
  it.each<[string, Seen<SeenReference>, boolean]>([
    ['is ok if it is ready', R, true],
    ['is not ok if that is old news', reference('r', [], { metadata: { name: 'r', generation: 2 } }), false],
    [
      'is not ok if it is not ready',
      reference('r', [], {
        status: { observedGeneration: 1, conditions: [condition('Ready', 'False', 'Sealed')] },
      }),
      false,
    ],
    ['is not ok if nobody has looked', reference('r', [], { status: {} }), false],
  ])('%s', (_, seen, ok) => {
    expect(reportOf(known({ references: new Map([['r', seen]]) }), 'r').ok).toBe(ok);
  });
});

describe('gathering', () => {
  const SREF = '/apis/fairlead.dev/v1alpha1/namespaces/team-a/secretreferences';
  const VI = '/apis/fairlead.dev/v1alpha1/namespaces/fairlead-system/vaultintegrations/v';
  const REVIEW = 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

  it('asks for what the pod names, and never for a Secret', async () => {
    const { api, asked } = scriptedApi({
      [`GET ${SREF}/r`]: (R as { object: object }).object,
      [`GET ${SREF}/s`]: (S as { object: object }).object,
      [`GET ${VI}`]: kubeError('Forbidden', 403),
      [REVIEW]: { status: { allowed: true } },
      'GET /api/v1/namespaces/team-a': kubeError('Forbidden', 403),
      'GET /api/v1/namespaces/team-a/events': kubeError('Forbidden', 403),
    });
    const all = await aboutPod(api, pod(), 'fairlead-system');
    expect([...all.references.keys()]).toEqual(['r', 's']);
    expect(all.use.get('v')).toBe('yes');
    expect(reportOf(all, 'p').notVisible).toEqual([
      'the domain of namespace team-a: not visible to you (needs get namespaces)',
      'VaultIntegration v: not visible to you (needs get vaultintegrations in fairlead-system)',
      'events: not visible to you (needs list events in team-a)',
    ]);
    expect(asked.map(({ path }) => path).filter((path) => path.includes('/secrets'))).toEqual([]);
  });

  it('does not go on if the server fails', async () => {
    const { api } = scriptedApi({ [`GET ${SREF}/r`]: kubeError('ServerError', 500) });
    await expect(aboutPod(api, pod(), 'fairlead-system')).rejects.toMatchObject({ code: 'ServerError' });
  });
});
