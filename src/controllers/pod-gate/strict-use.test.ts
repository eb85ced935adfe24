import { describe, expect, it } from 'vitest';
import type { AccessQuestion } from '../../kube/access-review.ts';
import { KubeError } from '../../kube/errors.ts';
import type { GatedPod, Reference, StorageConfig } from '../objects.ts';
import { useProblems, useQuestions } from './strict-use.ts';

const vault = (id: string) => ({ type: 'VAULT' as const, id });
const store = { type: 'KUBERNETES' as const, id: 'marketing' };
const references: Readonly<Record<string, object>> = {
  warehouse: {
    env: [
      { name: 'A', secret: { key: 'a', source: vault('prod') } },
      { name: 'B', secret: { key: 'b', source: vault('prod'), path: 'x' } },
      { name: 'C', secret: { key: 'c', source: store } },
    ],
  },
  bulk: { envFrom: [{ source: vault('lake') }, { source: vault('prod') }] },
  plain: { env: [{ name: 'C', secret: { key: 'c', source: store } }] },
};
const view = {
  reference: (key: string) => {
    const spec = references[key.replace('team-a/', '')];
    return spec && ({ spec } as unknown as Reference);
  },
  storage: (key: string) => {
    const spec = storages[key.replace('team-a/', '')];
    return spec && ({ spec } as unknown as StorageConfig);
  },
};
const storages: Readonly<Record<string, object>> = {
  lake: {
    storageSecret: { key: 'k', source: vault('lake') },
    accessKeySecret: { key: 'k', source: vault('prod') },
  },
  stored: { storageSecret: { key: 'k', source: store } },
};
const pod = (names: readonly string[], more: Partial<GatedPod> = {}) =>
  ({
    metadata: { name: 'driver', namespace: 'team-a', uid: 'u', resourceVersion: '1' },
    serviceAccount: 'spark',
    references: names,
    storages: [],
    seenAt: 7,
    ...more,
  }) as GatedPod;
const signal = new AbortController().signal;

describe('in strict mode a pod needs use', () => {
  const inTeam = (name: string) => `secretreferences team-a/${name}`;
  it.each<[string, string[], string[]]>([
    [
      'on its reference and on the integrations of it, each once',
      ['warehouse'],
      [inTeam('warehouse'), 'vaultintegrations sys/prod'],
    ],
    [
      'on what is imported in bulk, too',
      ['warehouse', 'bulk'],
      [inTeam('warehouse'), inTeam('bulk'), 'vaultintegrations sys/prod', 'vaultintegrations sys/lake'],
    ],
    ['on the reference alone if it names stores only', ['plain'], [inTeam('plain')]],
    ['on a reference that does not exist yet', ['gone'], [inTeam('gone')]],
    ['on each reference once', ['plain', 'plain'], [inTeam('plain')]],
    ['on nothing if it has placeholders only', [], []],
  ])('%s', (_, names, expected) => {
    const questions = useQuestions(pod(names), view, 'sys');
    expect(questions.map(({ resource, namespace, name }) => `${resource} ${namespace}/${name}`)).toEqual(
      expected,
    );
    for (const { user, verb, group } of questions)
      expect([user, verb, group]).toEqual(['system:serviceaccount:team-a:spark', 'use', 'fairlead.dev']);
  });

  it.each<[string, string[], string[]]>([
    [
      'on its storage and on the integrations of it',
      ['lake'],
      ['storageconfigs team-a/lake', 'vaultintegrations sys/prod', 'vaultintegrations sys/lake'],
    ],
    ['on the storage alone if it names a store', ['stored'], ['storageconfigs team-a/stored']],
    ['on a storage that does not exist yet', ['gone'], ['storageconfigs team-a/gone']],
  ])('%s', (_, names, expected) => {
    const questions = useQuestions(pod([], { storages: names }), view, 'sys');
    expect(questions.map(({ resource, namespace, name }) => `${resource} ${namespace}/${name}`)).toEqual(
      expected,
    );
  });

  it('as the ServiceAccount that its author chose, and never as that author: a known limit', () => {
    const questions = useQuestions(pod(['warehouse'], { serviceAccount: 'admin' }), view, 'sys');
    expect(new Set(questions.map(({ user }) => user))).toEqual(
      new Set(['system:serviceaccount:team-a:admin']),
    );
  });

  it('on sixteen references at most, since more are refused anyway', () => {
    const names = Array.from({ length: 40 }, (_, i) => `r${i}`);
    expect(useQuestions(pod(names), view, 'sys')).toHaveLength(16);
  });
});

describe('a pod of which the API server says', () => {
  const ask = async (allowed: (question: AccessQuestion) => boolean | Error, abort = signal) => {
    const asked: number[] = [];
    const reviews = {
      allowed: async (question: AccessQuestion, { notBefore }: { readonly notBefore: number }) => {
        asked.push(notBefore);
        const answer = allowed(question);
        if (answer instanceof Error) throw answer;
        return Promise.resolve(answer);
      },
    };
    const problems = await useProblems(pod(['warehouse']), view, abort, { reviews, systemNamespace: 'sys' });
    return { problems, asked };
  };

  it('yes to everything has no problem', async () => {
    expect((await ask(() => true)).problems).toEqual([]);
  });

  it('no to something waits and names user, verb and object', async () => {
    const { problems } = await ask(({ resource }) => resource === 'secretreferences');
    expect(problems).toEqual([
      {
        reason: 'UseForbidden',
        message:
          'system:serviceaccount:team-a:spark lacks the permission to use vaultintegrations.fairlead.dev/prod in namespace sys',
      },
    ]);
  });

  it('nothing waits as after a no', async () => {
    const { problems } = await ask(() => new KubeError({ code: 'Forbidden', message: 'x', status: 403 }));
    expect(problems).toHaveLength(2);
    expect(problems[0]).toEqual({
      reason: 'UseForbidden',
      message:
        'the API server does not say whether system:serviceaccount:team-a:spark may use secretreferences.fairlead.dev/warehouse in namespace team-a (Forbidden)',
    });
  });

  it('something before Fairlead saw the pod is asked about anew', async () => {
    expect((await ask(() => true)).asked).toEqual([7, 7]);
  });

  it.each([
    ['the lease is lost', new KubeError({ code: 'LeaseLost', message: 'x' })],
    ['it is a bug', new TypeError('x')],
  ])('nothing ends the pass if %s', async (_, error) => {
    await expect(ask(() => error)).rejects.toBe(error);
  });

  it('nothing ends the pass if it was aborted', async () => {
    const stop = AbortSignal.abort(new Error('stopped'));
    await expect(ask(() => new KubeError({ code: 'Aborted', message: 'x' }), stop)).rejects.toThrow(
      'stopped',
    );
  });
});
