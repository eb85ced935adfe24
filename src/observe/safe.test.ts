import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { safe, safeError, safeFields, safeText } from './safe.ts';

class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code = 'Conflict';
  readonly status = 409;
}

describe('fields with telling names', () => {
  it.each([
    'token',
    'client_token',
    'clientToken',
    'CLIENT-TOKEN',
    'X-Vault-Token',
    'secret_id',
    'secretId',
    'role_id',
    'data',
    'stringData',
    'authorization',
    'Authorization',
    'password',
    'jwt',
    'body',
    'headers',
    'value',
  ])('%s is left out, at any depth', (name) => {
    const field = { [name]: 'hunter2' };
    const fields = { top: 1, ...field, in: { a: { list: [{ ...field, kept: 'yes' }] } } };
    const shown = safeFields(fields);
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    expect(shown).toEqual({ top: 1, in: { a: { list: [{ kept: 'yes' }] } } });
  });

  it.each(['key', 'secret', 'namespace', 'reason', 'tokenCount', 'database'])('%s stays', (name) => {
    expect(safeFields({ [name]: 'x' })).toEqual({ [name]: 'x' });
  });
});

describe('values', () => {
  it.each<[string, unknown, unknown]>([
    ['texts', 'x', 'x'],
    ['numbers', 1.5, 1.5],
    ['booleans', false, false],
    ['null', null, null],
    ['nothing', undefined, undefined],
    ['big numbers', 12n, '12'],
    ['dates', new Date('2026-01-01T00:00:00Z'), '2026-01-01T00:00:00.000Z'],
    ['dates that are none', new Date('x'), null],
    ['lists', [1, 'a'], [1, 'a']],
    ['objects without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    [
      'a URL: only where, not who or what',
      new URL('https://jane:hunter2@v.example/x?t=hunter2'),
      'https://v.example',
    ],
    ['a Buffer: nothing of it', Buffer.from('hunter2'), '[Buffer]'],
    ['a Map: nothing of it', new Map([['a', 'hunter2']]), '[Map]'],
    ['a response: nothing of it', new Response('hunter2'), '[Response]'],
    ['a function: nothing of it', () => 'hunter2', '[function]'],
    ['a symbol: nothing of it', Symbol('hunter2'), '[symbol]'],
  ])('%s', (_, value, expected) => {
    expect(safe(value)).toEqual(expected);
  });

  it('are cut when they are long, many or deep', () => {
    expect(safe('x'.repeat(5000))).toHaveLength(2049);
    expect(safe(Array.from({ length: 60 }, (_, i) => i))).toHaveLength(51);
    let deep: object = { end: 'hunter2' };
    for (let i = 0; i < 20; i += 1) deep = { deep };
    expect(JSON.stringify(safe(deep))).not.toContain('hunter2');
  });

  it('that contain themselves end all the same', () => {
    const loop: Record<string, unknown> = { name: 'x' };
    loop['self'] = loop;
    expect(JSON.stringify(safe(loop))).toContain('[deep]');
  });
});

describe('an error', () => {
  it('of ours is shown with its message', () => {
    expect(safeError(new KubeError('PATCH pods a/b: 409 Conflict', { cause: 'ECONNRESET' }))).toEqual({
      name: 'KubeError',
      code: 'Conflict',
      status: 409,
      message: 'PATCH pods a/b: 409 Conflict',
      cause: 'ECONNRESET',
    });
  });

  it('of somebody else is shown by name, code and place, without its message', () => {
    const shown = safeError(
      Object.assign(new TypeError('cannot read hunter2'), { code: 'ERR_X', input: 'hunter2' }),
    );
    expect(shown).toEqual({ name: 'TypeError', code: 'ERR_X', stack: expect.any(Array) as unknown });
    expect((shown['stack'] as string[])[0]).toMatch(/\/safe\.test\.ts:\d+:\d+$/);
    expect(JSON.stringify(shown)).not.toContain('hunter2');
  });

  it.each<[string, () => Error]>([
    ['a JSON parser', () => thrownBy(() => JSON.parse('{"password": hunter2}'))],
    ['a message of many lines', () => new Error('a\nhunter2\n    at hunter2 (hunter2:1:1)\nb')],
    [
      'a message that was changed later',
      () => {
        const error = new Error('hunter2');
        error.message = 'other';
        return error;
      },
    ],
    ['a name that is a sentence', () => Object.assign(new Error('x'), { name: 'hunter2 is wrong' })],
    ['a code that is a sentence', () => Object.assign(new Error('x'), { code: 'hunter2 is wrong' })],
    ['a cause', () => new Error('x', { cause: new Error('hunter2') })],
    ['a cause that is a text', () => new Error('x', { cause: 'it was hunter2' })],
    ['a cause that is an object', () => new Error('x', { cause: { hunter2: 'hunter2' } })],
    ['many at once', () => new AggregateError([new Error('hunter2')], 'hunter2')],
    [
      'an axios-like error',
      () => Object.assign(new Error('x'), { config: { data: 'hunter2' }, response: 'hunter2' }),
    ],
  ])('shows nothing of %s', (_, make) => {
    expect(inspect(safeError(make()), { depth: 20 })).not.toContain('hunter2');
  });

  it('shows where its cause came from, but not for ever', () => {
    const error = new Error('x');
    error.cause = error;
    expect(JSON.stringify(safeError(error)).length).toBeLessThan(20_000);
    const [outer, inner] = [new Error('x', { cause: new KubeError('inner') }), 'inner'];
    expect(safeError(outer)['cause']).toMatchObject({ message: inner });
  });

  it('without a stack is shown without one', () => {
    const error = new Error('x');
    delete (error as { stack?: string }).stack;
    expect(safeError(error)).toEqual({ name: 'Error', stack: [] });
  });

  it('in a list or a field is an error all the same', () => {
    expect(JSON.stringify(safe({ all: [new Error('hunter2')], one: new Error('hunter2') }))).not.toContain(
      'hunter2',
    );
  });

  function thrownBy(act: () => unknown): Error {
    try {
      act();
    } catch (error) {
      return error as Error;
    }
    throw new Error('nothing was thrown');
  }
});

describe('what looks like a token', () => {
  it.each([
    ['a Vault token', 'hvs.CAESIJ1234567890abcdef'],
    ['a batch token', 'hvb.AAAAAQL1234567890'],
    ['an old Vault token', 's.abcdefghij1234567890ABCD'],
    ['a JSON web token', 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2lnbmF0dXJl'],
    ['a header', 'Bearer abcdef123456'],
    ['basic authentication', 'basic YWRtaW46aHVudGVyMg=='],
    ['a private key', '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----'],
  ])('%s is redacted wherever it stands', (_, token) => {
    expect(safeText(`before ${token} after`)).toBe('before [redacted] after');
    expect(JSON.stringify(safe({ note: [`x ${token}`] }))).not.toContain(token.slice(-8));
  });

  it.each([
    'fairlead-d-4c1f2a9e-1111-2222-3333-444455556666',
    'secrets.example.com/v1',
    'GET https://vault.example.com:8200/v1/secret/data/app answered HTTP 403',
    'kubernetes.default.svc.cluster.local',
  ])('%s is none', (text) => {
    expect(safeText(text)).toBe(text);
  });
});
