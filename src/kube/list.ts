import type { KubeClient, Query } from './client.ts';
import { KubeError } from './errors.ts';
import type { KubeObject } from './objects.ts';

interface ListAnswer {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: KubeObject[] | null;
}

export interface ListOptions {
  readonly path: string;
  /** Names the request in errors: `LIST pods`. */
  readonly call: string;
  /** Selectors. */
  readonly query?: Query;
  readonly limit?: number;
  /** Milliseconds for one page. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

const LIMIT = 500;
const PAGE_MS = 30_000;
/** How often a listing may outlive the server's memory of it before that counts as an error. */
const RESTARTS = 3;

/**
 * Lists page by page and hands each page on before the next is fetched, so that tens of thousands of objects are
 * never in memory as JSON at once. If the server has forgotten the listing half-way (410), it starts again from
 * the first page and says so by `onRestart`. Resolves to the resourceVersion to watch from.
 */
export async function listPages(
  client: Pick<KubeClient, 'request'>,
  options: ListOptions,
  onPage: (items: readonly KubeObject[]) => void,
  onRestart: () => void,
): Promise<string> {
  const { path, call, query, limit = LIMIT, timeoutMs = PAGE_MS, signal } = options;
  let token: string | undefined;
  let restarts = 0;
  for (;;) {
    let page: ListAnswer;
    try {
      page = await client.request<ListAnswer>({
        method: 'GET',
        path,
        call,
        query: { ...query, limit, continue: token },
        timeoutMs,
        signal,
      });
    } catch (error) {
      const forgotten = error instanceof KubeError && error.code === 'Gone' && token !== undefined;
      if (!forgotten || restarts >= RESTARTS) throw error;
      restarts += 1;
      token = undefined;
      onRestart();
      continue;
    }
    onPage(named(page));
    token = page.metadata?.continue || undefined;
    if (token !== undefined) continue;
    const version = page.metadata?.resourceVersion;
    if (version === undefined)
      throw new KubeError({ code: 'BadResponse', message: `${call}: a list without resourceVersion` });
    return version;
  }
}

/** Items of a list do not say what they are, those of a watch do: now all of them do. */
function named({ apiVersion, kind, items }: ListAnswer): readonly KubeObject[] {
  const itemKind = kind?.replace(/List$/, '');
  return (items ?? []).map((item) =>
    item.kind === undefined && apiVersion !== undefined && itemKind !== undefined
      ? Object.assign(item, { apiVersion, kind: itemKind })
      : item,
  );
}
