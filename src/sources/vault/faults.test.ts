import { describe, expect, it } from 'vitest';
import { notKVv2, readFault, type Answer, type ReadWords } from './faults.ts';
import { parseJson } from '../../json/json.ts';

function answer(status: number, body?: unknown, retryAfterMs?: number): Answer {
  return {
    status,
    body:
      typeof body === 'string'
        ? parseJson(body)
        : body === undefined
          ? undefined
          : parseJson(JSON.stringify(body)),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

const errors = (...texts: string[]) => ({ errors: texts });
const metadata = { created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false, version: 3 };
const envelope = (data: unknown, changes: object = {}) => ({
  data: { data, metadata: { ...metadata, ...changes } },
});
const words: ReadWords = { mount: 'secret' };
const inTeamA: ReadWords = { mount: 'secret', namespace: 'team-a' };

interface Row {
  readonly answer: Answer;
  readonly words?: ReadWords;
  readonly reason: string;
  readonly scope: 'read' | 'connection' | 'server';
  readonly says: string;
}

describe('the answer to a read', () => {
  it.each([
    ['with fields', envelope({ a: 'b' })],
    ['without fields', envelope({})],
    ['with custom metadata', envelope({ a: 1 }, { custom_metadata: { owner: 'x' } })],
  ])('%s is no fault', (_, body) => {
    expect(readFault(answer(200, body), words)).toBeUndefined();
  });

  const rows: Record<string, Row> = {
    'of a deleted version is SourceDeleted': {
      answer: answer(404, envelope(null, { deletion_time: '2026-01-02T00:00:00Z' })),
      reason: 'SourceDeleted',
      scope: 'read',
      says: 'is deleted: undelete it',
    },
    'of a destroyed version is SourceDestroyed': {
      answer: answer(404, envelope(null, { destroyed: true })),
      reason: 'SourceDestroyed',
      scope: 'read',
      says: 'the latest version of the secret is destroyed: write a new version',
    },
    'of a version that was deleted and then destroyed is SourceDestroyed': {
      answer: answer(404, envelope(null, { destroyed: true, deletion_time: '2026-01-02T00:00:00Z' })),
      reason: 'SourceDestroyed',
      scope: 'read',
      says: 'is destroyed',
    },
    'of a version that was asked for and is deleted says which': {
      answer: answer(404, envelope(null, { deletion_time: '2026-01-02T00:00:00Z' })),
      words: { mount: 'secret', version: 2 },
      reason: 'SourceDeleted',
      scope: 'read',
      says: 'version 2 of the secret is deleted: undelete it, or use another version',
    },
    'of a version that was asked for and is destroyed says which': {
      answer: answer(404, envelope(null, { destroyed: true })),
      words: { mount: 'secret', version: 2 },
      reason: 'SourceDestroyed',
      scope: 'read',
      says: 'version 2 of the secret is destroyed: use another version',
    },
    'of a latest version without fields that is not marked as deleted is no empty value': {
      answer: answer(200, envelope(null)),
      reason: 'SourceDeleted',
      scope: 'read',
      says: 'is deleted',
    },
    'of a deleted version with status 200 is SourceDeleted': {
      answer: answer(200, envelope(null, { deletion_time: '2026-01-02T00:00:00Z' })),
      reason: 'SourceDeleted',
      scope: 'read',
      says: 'is deleted',
    },
    'of a missing path is PathNotFound': {
      answer: answer(404, errors()),
      reason: 'PathNotFound',
      scope: 'read',
      says: 'there is no secret at this path',
    },
    'of a missing mount is PathNotFound': {
      answer: answer(404, errors('no handler for route "secret/data/app". route entry not found.')),
      reason: 'PathNotFound',
      scope: 'read',
      says: 'no secrets engine is mounted at "secret"',
    },
    'of a missing mount in a namespace names both': {
      answer: answer(404, errors('no handler for route')),
      words: inTeamA,
      reason: 'PathNotFound',
      scope: 'read',
      says: 'no secrets engine is mounted at "secret", or there is no namespace team-a',
    },
    'of a missing namespace is NamespaceNotFound': {
      answer: answer(404, errors('namespace not found')),
      words: inTeamA,
      reason: 'NamespaceNotFound',
      scope: 'read',
      says: 'correct spec.namespace',
    },
    'does not speak of namespaces where none is set': {
      answer: answer(404, errors('no handler for route "namespace/data/x"')),
      words: { mount: 'namespace' },
      reason: 'PathNotFound',
      scope: 'read',
      says: 'no secrets engine is mounted at "namespace"',
    },
    'of a KV v2 path without data is NotKVv2': {
      answer: answer(404, { data: null, warnings: ['Invalid path for a versioned K/V secrets engine.'] }),
      reason: 'NotKVv2',
      scope: 'read',
      says: '<mount>/data/<path>',
    },
    'of KV version 1 is NotKVv2': {
      answer: answer(200, { data: { password: 'planted' }, lease_duration: 2_764_800 }),
      reason: 'NotKVv2',
      scope: 'read',
      says: '"secret" is not the mount of a KV version 2 engine',
    },
    'of KV version 1 with a field called data is NotKVv2': {
      answer: answer(200, { data: { data: { a: 'planted' } } }),
      reason: 'NotKVv2',
      scope: 'read',
      says: 'KV version 2',
    },
    'of KV version 1 with a field called metadata is NotKVv2': {
      answer: answer(200, { data: { data: 'planted', metadata: 'planted' } }),
      reason: 'NotKVv2',
      scope: 'read',
      says: 'KV version 2',
    },
    'without a body is NotKVv2': {
      answer: answer(204),
      reason: 'NotKVv2',
      scope: 'read',
      says: 'KV version 2',
    },
    'that reading is not possible is NotKVv2': {
      answer: answer(405, errors()),
      reason: 'NotKVv2',
      scope: 'read',
      says: 'KV version 2',
    },
    'of a policy is PermissionDenied': {
      answer: answer(403, errors('1 error occurred:\n\t* permission denied\n\n')),
      reason: 'PermissionDenied',
      scope: 'read',
      says: 'grant it `read`',
    },
    'of a quota is RateLimited': {
      answer: answer(429, errors('request path "secret/data/app": rate limit quota exceeded')),
      reason: 'RateLimited',
      scope: 'read',
      says: 'raise the quota',
    },
    'of a load balancer that limits is RateLimited': {
      answer: answer(429, '<html>'),
      reason: 'RateLimited',
      scope: 'read',
      says: 'raise the quota',
    },
    'of a sealed Vault is Sealed': {
      answer: answer(503, errors('Vault is sealed')),
      reason: 'Sealed',
      scope: 'server',
      says: 'unseal it',
    },
    'of a sealed Vault in other words is Sealed': {
      answer: answer(503, errors('barrier locked')),
      reason: 'Sealed',
      scope: 'server',
      says: 'unseal it',
    },
    'of a load balancer without servers is Unreachable': {
      answer: answer(503, '<html>no healthy upstream</html>'),
      reason: 'Unreachable',
      scope: 'server',
      says: 'not from Vault',
    },
    'of a gateway is Unreachable': {
      answer: answer(502, 'Bad Gateway'),
      reason: 'Unreachable',
      scope: 'server',
      says: 'not from Vault',
    },
    'of a firewall is Unreachable, not PermissionDenied': {
      answer: answer(403, '<html>blocked</html>'),
      reason: 'Unreachable',
      scope: 'read',
      says: 'not from Vault',
    },
    'of a web server is Unreachable, not PathNotFound': {
      answer: answer(404, '<html>not found</html>'),
      reason: 'Unreachable',
      scope: 'read',
      says: 'not from Vault',
    },
    'that is JSON but no object is Unreachable': {
      answer: answer(200, '"planted"'),
      reason: 'Unreachable',
      scope: 'read',
      says: 'not from Vault',
    },
    'that is empty is Unreachable': {
      answer: answer(200),
      reason: 'Unreachable',
      scope: 'read',
      says: 'not from Vault',
    },
    'of a standby is Unreachable and says why': {
      answer: answer(307),
      reason: 'Unreachable',
      scope: 'read',
      says: 'the server redirects',
    },
    'of an internal error is Unreachable for this path alone': {
      answer: answer(500, errors('planted')),
      reason: 'Unreachable',
      scope: 'read',
      says: 'internal error',
    },
    'of a mount that is being upgraded is Unreachable for this path alone': {
      answer: answer(400, errors('Upgrading from non-versioned to versioned data.')),
      reason: 'Unreachable',
      scope: 'read',
      says: "see Vault's log",
    },
    'of a replica that lags behind is Unreachable for this path alone': {
      answer: answer(412, errors('required index state not present')),
      reason: 'Unreachable',
      scope: 'read',
      says: "see Vault's log",
    },
  };
  it.each(Object.entries(rows))('%s', (_, { answer, words: given = words, reason, scope, says }) => {
    const fault = readFault(answer, given);
    expect(fault).toMatchObject({ reason, scope, status: answer.status });
    expect(fault?.what).toContain(says);
    expect(JSON.stringify(fault)).not.toContain('planted');
  });

  it.each([429, 500, 502, 503])('keeps the time that the server asks for with status %d', (status) => {
    expect(readFault(answer(status, errors('x'), 7000), words)).toMatchObject({ retryAfterMs: 7000 });
  });

  it('shows a mount as text, whatever characters it has', () => {
    expect(notKVv2('a\n"b', 404).what).toContain('"a\\n\\"b"');
  });
});
