/** In which form an answer is given. */
export type Form = 'object' | 'table' | 'metadata';

/**
 * The best form that an Accept header asks for; undefined if none can be given. `kind` is that of the transformed
 * answer of plain metadata: `PartialObjectMetadata` of one object, `PartialObjectMetadataList` of a list; undefined
 * where there is only JSON, as of documents.
 */
export function formOf(
  accept: readonly string[] | undefined,
  kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined,
): Form | undefined {
  const clauses = (accept ?? []).join(',').split(',').flatMap(clauseOf);
  if (clauses.length === 0) return 'object';
  const best = clauses.filter(({ q }) => q > 0).sort((a, b) => b.q - a.q);
  for (const clause of best) {
    const form = formOfClause(clause, kind);
    if (form !== undefined) return form;
  }
  return undefined;
}

interface Clause {
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  readonly q: number;
}

function clauseOf(text: string): readonly Clause[] {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  if (type === '') return [];
  const params = new Map(
    rest.map((part) => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')] as const;
    }),
  );
  const q = Number(params.get('q') ?? 1);
  return [{ type: type.toLowerCase(), params, q: Number.isFinite(q) ? q : 0 }];
}

function formOfClause({ type, params }: Clause, kind: string | undefined): Form | undefined {
  if (!['application/json', 'application/*', '*/*'].includes(type)) return undefined;
  const [as, group, version] = ['as', 'g', 'v'].map((name) => params.get(name));
  if (as === undefined) return 'object';
  if (kind === undefined || group !== 'meta.k8s.io' || version !== 'v1') return undefined;
  if (as === 'Table') return 'table';
  return as === kind ? 'metadata' : undefined;
}
