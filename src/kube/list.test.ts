import { describe, expect, it } from 'vitest';
import { KubeError } from './errors.ts';
import { listPages } from './list.ts';
import type { RequestOptions } from './client.ts';

const item = (name: string) => ({ metadata: { name, uid: name, resourceVersion: '1' } });
const gone = new KubeError({ code: 'Gone', message: 'LIST pods: 410 Expired' });

type Answer = { items?: object[] | null; next?: string; version?: string } | KubeError;

/** Lists from a server that answers with these pages, one after the other. */
async function list(answers: Answer[]) {
  const asked: RequestOptions[] = [];
  const pages: string[][] = [];
  let restarts = 0;
  const client = {
    request: async <T>(request: RequestOptions): Promise<T> => {
      asked.push(request);
      const answer = answers[asked.length - 1] ?? new KubeError({ code: 'ServerError', message: 'no more' });
      if (answer instanceof KubeError) throw answer;
      const { items = [], next, version = '7' } = answer;
      return {
        apiVersion: 'v1',
        kind: 'PodList',
        metadata: { resourceVersion: version, ...(next !== undefined && { continue: next }) },
        items,
      } as T;
    },
  };
  const result = await listPages(
    client,
    {
      path: '/api/v1/pods',
      call: 'LIST pods',
      query: { labelSelector: 'a=b' },
      limit: 2,
      signal: new AbortController().signal,
    },
    (items) => void pages.push(items.map(({ metadata }) => metadata.name)),
    () => {
      restarts += 1;
      pages.length = 0;
    },
  ).then(
    (version) => ({ version }),
    (error: KubeError) => ({ code: error.code }),
  );
  return { ...result, pages, restarts, asked: asked.map(({ query }) => query) };
}

describe('a list', () => {
  it('comes page by page', async () => {
    const { pages, asked, ...rest } = await list([
      { items: [item('a'), item('b')], next: 'token-1' },
      { items: [item('c')], version: '9' },
    ]);
    expect(pages).toEqual([['a', 'b'], ['c']]);
    expect(rest).toEqual({ version: '9', restarts: 0 });
    expect(asked).toEqual([
      { labelSelector: 'a=b', limit: 2, continue: undefined },
      { labelSelector: 'a=b', limit: 2, continue: 'token-1' },
    ]);
  });

  it.each<[string, Answer]>([
    ['is empty', { items: [] }],
    ['has null for its items', { items: null }],
    ['has an empty token', { items: [], next: '' }],
  ])('may be one that %s', async (_, answer) => {
    expect(await list([answer])).toMatchObject({ version: '7', pages: [[]] });
  });

  it('starts again when the server has forgotten it half-way', async () => {
    const { pages, asked, ...rest } = await list([
      { items: [item('old')], next: 'token-1' },
      gone,
      { items: [item('new')], next: 'token-2' },
      { items: [item('newer')] },
    ]);
    expect(pages).toEqual([['new'], ['newer']]);
    expect(rest).toEqual({ version: '7', restarts: 1 });
    expect(asked.map((query) => query?.['continue'])).toEqual([undefined, 'token-1', undefined, 'token-2']);
  });

  it('does not start again for ever', async () => {
    const half = (): Answer[] => [{ items: [item('a')], next: 'token' }, gone];
    expect(await list(Array.from({ length: 10 }, half).flat())).toMatchObject({ code: 'Gone', restarts: 3 });
  });

  it('fails if already its first page is refused with 410', async () => {
    expect(await list([gone])).toMatchObject({ code: 'Gone', restarts: 0 });
  });

  it('fails if it does not say its version, from which the watch must start', async () => {
    expect(await list([{ items: [], version: undefined as unknown as string }])).toMatchObject({
      version: '7',
    });
    const client = { request: async <T>(): Promise<T> => ({ items: [] }) as T };
    const options = { path: '/x', call: 'LIST x', signal: new AbortController().signal };
    await expect(
      listPages(
        client,
        options,
        () => undefined,
        () => undefined,
      ),
    ).rejects.toMatchObject({ code: 'BadResponse' });
  });

  it('gives its items the kind that those of a watch have', async () => {
    const kinds: (string | undefined)[] = [];
    const answer = {
      apiVersion: 'v1',
      kind: 'PodList',
      metadata: { resourceVersion: '1' },
      items: [item('a')],
    };
    await listPages(
      { request: async <T>(): Promise<T> => answer as T },
      { path: '/x', call: 'LIST x', signal: new AbortController().signal },
      (items) => kinds.push(...items.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)),
      () => undefined,
    );
    expect(kinds).toEqual(['v1 Pod']);
  });
});
