import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { AuditError } from '../../audit/errors.ts';
import { recordBody, type AuditRecord } from '../../audit/record.ts';
import { placeKey } from '../../resolve/place.ts';
import type { Problem } from '../../resolve/problem.ts';
import { countsOf, resolve, type States } from '../../resolve/resolve.ts';
import { storageState } from '../../resolve/storage.ts';
import { collectWanted } from '../../resolve/wanted.ts';
import { waiting } from '../../runtime/outcome.ts';
import { checkRecord, type Found } from '../audit-records.ts';
import type { GatedPod } from '../objects.ts';
import { auditHeld, auditIntent, auditOutcome, auditProblem, type AuditDependencies } from './audit.ts';
import { hold } from './decide.ts';
import { PodMemory } from './memory.ts';

const pod = {
  metadata: { name: 'driver', namespace: 'team-a', uid: 'u', resourceVersion: '1' },
  references: ['warehouse', 'lake'],
  storages: [],
  serviceAccount: 'spark',
} as unknown as GatedPod;
const vault = { type: 'VAULT', id: 'prod' } as const;
const actor = { kind: 'pod', namespace: 'team-a', name: 'driver', uid: 'u', serviceAccount: 'spark' };

/** What two references resolve to, with these values. */
function found(values: readonly [string, string] = ['one', 'two'], version = 7): Found {
  const wanted = collectWanted(
    [
      {
        name: 'warehouse',
        env: [
          { name: 'A', secret: { key: 'a', property: 'b.c', path: 'db', source: vault } },
          { name: 'GONE', secret: { key: 'nope', path: 'db', source: vault }, optional: true },
        ],
      },
      { name: 'lake', envFrom: [{ source: { type: 'KUBERNETES', id: 'global' } }] },
    ],
    [],
  );
  const [a, b] = values;
  const states: States = new Map([
    [
      placeKey({ source: vault, path: 'db' }),
      {
        kind: 'fields',
        location: 'https://vault.example.com/v1/secret/data/db',
        fields: new Map([['a', JSON.stringify({ b: { c: a } })]]),
        version,
      },
    ],
    [
      'KUBERNETES/global',
      {
        kind: 'fields',
        location: 'Secret sys/store',
        fields: new Map([
          ['X', b],
          ['Y', b],
        ]),
      },
    ],
  ]);
  const resolution = resolve(wanted, states);
  return { ...resolution, states, counts: countsOf(resolution) };
}

const { signal } = new AbortController();
let intended: AuditRecord[][];
let concluded: AuditRecord[];
let noted: AuditRecord[];
let fault: Error | undefined;
let deps: AuditDependencies;
let clock: FakeClock;
beforeEach(() => {
  [intended, concluded, noted, fault] = [[], [], [], undefined];
  clock = new FakeClock();
  deps = {
    memory: new PodMemory(),
    clock,
    audit: {
      intend: async (records) => {
        if (fault) throw fault;
        intended.push([...records]);
      },
      conclude: async (one) => void concluded.push(one),
      note: async (one) => void noted.push(one),
    },
  };
});

describe('before a delivery is made', () => {
  it('there is one line for it and one for each entry, with where it was read', async () => {
    expect(await auditIntent(pod, 'fairlead-d-1', found(), signal, deps)).toBeUndefined();
    const about = { actor, namespace: 'team-a', delivery: 'fairlead-d-1' };
    const read = {
      action: 'resolve',
      source: vault,
      version: 7,
      path: 'https://vault.example.com/v1/secret/data/db',
    };
    expect(intended).toEqual([
      [
        {
          ...about,
          action: 'deliver',
          reference: 'warehouse,lake',
          variables: 3,
          outcome: 'allowed',
          reason: 'Resolved',
        },
        {
          ...about,
          ...read,
          reference: 'warehouse',
          entry: 'A',
          key: 'a property b.c',
          outcome: 'allowed',
          reason: 'Resolved',
        },
        {
          ...about,
          ...read,
          reference: 'warehouse',
          entry: 'GONE',
          key: 'nope',
          outcome: 'failed',
          reason: 'KeyNotFound',
          message: 'https://vault.example.com/v1/secret/data/db has no such key',
        },
        {
          ...about,
          action: 'resolve',
          reference: 'lake',
          entry: 'envFrom[0] of lake',
          source: { type: 'KUBERNETES', id: 'global' },
          path: 'Secret sys/store',
          variables: 2,
          outcome: 'allowed',
          reason: 'Resolved',
        },
      ],
    ]);
  });

  it('the same is written once, however often it is tried; something else is written anew', async () => {
    for (const version of [7, 7, 8])
      await auditIntent(pod, 'fairlead-d-1', found(undefined, version), signal, deps);
    expect(intended).toHaveLength(2);
    deps.memory.forget('u');
    await auditIntent(pod, 'fairlead-d-1', found(undefined, 8), signal, deps);
    expect(intended).toHaveLength(3);
  });

  it('what cannot be written is a problem that says so, and is written later', async () => {
    fault = new AuditError('Unwritable', 'it cannot be written (ENOSPC)');
    const problem = {
      reason: 'DeliveryRefused',
      message:
        'Fairlead delivers nothing that its audit does not show, and it cannot be written (ENOSPC); pods go on when it can be written again',
    };
    expect(await auditIntent(pod, 'fairlead-d-1', found(), signal, deps)).toEqual(problem);
    expect(auditProblem({ problem: () => 'it cannot be written (ENOSPC)' })).toEqual(problem);
    fault = undefined;
    expect(await auditIntent(pod, 'fairlead-d-1', found(), signal, deps)).toBeUndefined();
    expect([intended.length, auditProblem({ problem: () => undefined })]).toEqual([1, undefined]);
  });

  it('an error of another kind is thrown on', async () => {
    fault = new TypeError('x');
    await expect(auditIntent(pod, 'fairlead-d-1', found(), signal, deps)).rejects.toThrow(TypeError);
  });
});

describe('after a delivery', () => {
  it.each<[string, Parameters<typeof auditOutcome>[3], object[]]>([
    [
      'it is told',
      { kind: 'done' },
      [{ action: 'deliver', variables: 3, outcome: 'delivered', reason: 'Resolved' }],
    ],
    [
      'one that an earlier pass made is told without what this one has read',
      { kind: 'done', existed: true },
      [{ outcome: 'delivered', reason: 'AlreadyMade', variables: undefined }],
    ],
    ['a pod that is gone is told', { kind: 'gone' }, [{ outcome: 'failed', reason: 'PodGone' }]],
    [
      'one that was refused is told with the reason that the pod has',
      { kind: 'refused', problem: { reason: 'DeliveryRefused', message: 'm' } },
      [],
    ],
  ])('%s', async (_, written, expected) => {
    await auditOutcome(pod, 'fairlead-d-1', found(), written, signal, deps);
    expect(concluded).toMatchObject(expected);
  });
});

describe('a namespace whose deliveries keep being refused', () => {
  const refused = { kind: 'refused', problem: { reason: 'DeliveryRefused', message: 'm' } } as const;
  const named = (uid: string, namespace = 'loud') =>
    ({ ...pod, metadata: { ...pod.metadata, namespace, uid } }) as GatedPod;
  const attempt = async (one: GatedPod) => {
    const problem = await auditIntent(one, 'fairlead-d-1', found(), signal, deps);
    if (!problem) await auditOutcome(one, 'fairlead-d-1', found(), refused, signal, deps);
    return problem;
  };

  it('has intents written for so many pods, and for others only from time to time', async () => {
    for (let i = 0; i < 1_000; i += 1) await attempt(named(`u${i}`));
    expect(intended.length).toBe(121);
    expect(await attempt(named('more'))).toMatchObject({ reason: 'DeliveryRefused', retryAfterMs: 10_000 });
    // What is written already is tried as before, and others do not notice.
    expect(await attempt(named('u1'))).toBeUndefined();
    expect(await attempt(named('other', 'quiet'))).toBeUndefined();
    await clock.advance(10_000);
    expect(await attempt(named('more'))).toBeUndefined();
  });

  it('does not pause for one pod that is tried again', async () => {
    for (let i = 0; i < 1_000; i += 1) await attempt(named('u'));
    expect([intended.length, await attempt(named('more'))]).toEqual([1, undefined]);
  });
});

describe('a pod that waits', () => {
  const secret = { key: 'a', source: vault };
  it.each<[string, Problem, string]>([
    ['because it may not', { reason: 'DomainForbidden', message: 'm', entry: 'A', secret }, 'refused'],
    ['because it does not work', { reason: 'Sealed', message: 'm', entry: 'A', secret }, 'failed'],
  ])('%s is told with its entry', async (_, problem, outcome) => {
    await auditHeld(pod, hold([problem]), signal, deps);
    expect(noted).toMatchObject([
      { actor, action: 'deliver', entry: 'A', source: vault, key: 'a', outcome, reason: problem.reason },
    ]);
  });
});

describe('what a storage gives', () => {
  const spec = { type: 'azure', accessKey: 'mylake', secretKey: 'pl4nt' } as const;
  const wanted = collectWanted([], [], [{ name: 'lake', spec }]);
  const states: States = new Map([['STORAGE/lake', storageState({ name: 'lake', spec })]]);
  const resolution = resolve(wanted, states);
  const whole: Found = { ...resolution, states, counts: countsOf(resolution) };

  it('is told with the storage, and without what stands in it', async () => {
    await auditIntent({ ...pod, references: [], storages: ['lake'] }, 'd', whole, signal, deps);
    const [[all, one] = []] = intended;
    expect(all).toMatchObject({ action: 'deliver', storage: 'lake', reference: undefined, variables: 4 });
    expect(one).toMatchObject({
      ...{ action: 'resolve', storage: 'lake', entry: 'AZURE_STORAGE_ACCOUNT', outcome: 'allowed' },
      ...{ source: { type: 'STORAGE', id: 'lake' }, key: 'account', path: 'StorageConfig lake' },
    });
    const lines = JSON.stringify(intended.flat().map((record) => recordBody(record, new Date())));
    expect(lines).toContain('"storage":"lake"');
    expect(lines).not.toContain('pl4nt');
  });

  it('is told when it was found good', () => {
    const storage = { metadata: { name: 'lake', namespace: 'team-a', uid: 's', resourceVersion: '1' } };
    const record = checkRecord('StorageConfig', storage, waiting('X', ''), whole, 'sys');
    expect(record).toMatchObject({ action: 'resolve', storage: 'lake', outcome: 'allowed' });
    expect(record.reference).toBeUndefined();
  });
});

describe('a reference', () => {
  const reference = { metadata: { name: 'warehouse', namespace: 'team-a', uid: 'r', resourceVersion: '1' } };
  it('is told as what Fairlead found itself', () => {
    expect(checkRecord('SecretReference', reference, waiting('X', ''), found(), 'sys')).toMatchObject({
      actor: { kind: 'controller', namespace: 'sys', name: 'fairlead-controller' },
      action: 'resolve',
      reference: 'warehouse',
      variables: 3,
      outcome: 'allowed',
    });
    const problems: Problem[] = [{ reason: 'DomainForbidden', message: 'm', entry: 'A' }];
    const told = checkRecord('SecretReference', reference, hold(problems), { ...found(), problems }, 'sys');
    expect(told).toMatchObject({ outcome: 'refused', reason: 'DomainForbidden', entry: 'A' });
    expect(told.variables).toBeUndefined();
  });
});

describe('no value is in a record', () => {
  it('whatever the values are', async () => {
    const value = fc.string({ minLength: 4 }).map((text) => `pl4nt${text}`);
    await fc.assert(
      fc.asyncProperty(value, value, async (a, b) => {
        const all = found([a, b]);
        const own = { ...deps, memory: new PodMemory() };
        intended = [];
        await auditIntent(pod, 'fairlead-d-1', all, signal, own);
        await auditOutcome(pod, 'fairlead-d-1', all, { kind: 'done' }, signal, own);
        const lines = [...intended.flat(), ...concluded].map((one) => recordBody(one, new Date(0)));
        expect(lines.length).toBeGreaterThan(4);
        expect(JSON.stringify(lines)).not.toContain('pl4nt');
      }),
    );
  });
});
