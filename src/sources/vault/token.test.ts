import { describe, expect, it } from 'vitest';
import { parseJson } from '../../json/json.ts';
import type { Answer } from './faults.ts';
import { granted, isPolicyDenial, life, lookupFault, policies } from './token.ts';

function answer(status: number, body: unknown): Answer {
  return { status, body: typeof body === 'string' ? undefined : parseJson(JSON.stringify(body)) };
}

const errors = (...texts: string[]) => ({ errors: texts });

describe('the token of a login', () => {
  const auth = { client_token: 't', policies: ['b', 'a'] };

  it('is in its answer', () => {
    expect(granted(answer(200, { auth }))?.token).toBe('t');
  });

  const rows: Record<string, Answer> = {
    'is not in an error': answer(400, { auth }),
    'is not there without auth': answer(200, {}),
    'is not there without a name': answer(200, { auth: {} }),
    'is not empty': answer(200, { auth: { client_token: '' } }),
    'is no number': answer(200, { auth: { client_token: 5 } }),
    'is not null': answer(200, { auth: { client_token: null } }),
    'is not in what is no JSON': answer(200, '<html>'),
    'is not in a list': answer(200, [auth]),
  };
  it.each(Object.entries(rows))('%s', (_, given) => {
    expect(granted(given)).toBeUndefined();
  });
});

describe('the policies of a token', () => {
  it.each([
    [['b', 'a', 'default'], 'a b default'],
    [['a', 1, null], 'a'],
    [[], ''],
    ['a', ''],
    [undefined, ''],
  ])('%j are the text %j', (given, text) => {
    expect(policies(parseJson(JSON.stringify({ policies: given })))).toBe(text);
  });
});

describe('lookup-self', () => {
  it.each([200, 403])('with status %d is no fault', (status) => {
    expect(lookupFault(answer(status, errors()), undefined)).toBeUndefined();
  });

  const denials: Record<string, [given: Answer, isDenial: boolean]> = {
    'is denied by a policy': [answer(403, errors('1 error occurred:\n\t* permission denied\n\n')), true],
    'is denied to a dead token': [answer(403, errors('permission denied')), false],
    'is denied to an invalid token': [
      answer(403, errors('2 errors occurred:\n\t* permission denied')),
      false,
    ],
    'is denied without words': [answer(403, errors()), false],
    'is denied by something else': [answer(403, '<html>'), false],
    'is broken': [answer(500, errors('1 error occurred')), false],
  };
  it.each(Object.entries(denials))('%s', (_, [given, isDenial]) => {
    expect(isPolicyDenial(given)).toBe(isDenial);
  });
});

describe('the life of a token', () => {
  it.each([
    [
      { ttl: 60, renewable: true },
      { renewable: true, lifeMs: 60_000 },
    ],
    [
      { ttl: 0, renewable: true },
      { renewable: true, lifeMs: Infinity },
    ],
    [
      { ttl: '60', renewable: 'true' },
      { renewable: false, lifeMs: Infinity },
    ],
    [{}, { renewable: false, lifeMs: Infinity }],
  ])('in %j is %j', (source, expected) => {
    expect(life(parseJson(JSON.stringify(source)), 'ttl')).toEqual(expected);
  });
});
