import { describe, expect, it } from 'vitest';
import { callerOf, type Headers } from './caller.ts';
import type { RequestHeaderConfig } from './request-header.ts';

const config: RequestHeaderConfig = {
  ca: '',
  authorities: [],
  allowedNames: new Set(['proxy']),
  userHeaders: ['x-remote-user', 'x-user'],
  uidHeaders: ['x-remote-uid'],
  groupHeaders: ['x-remote-group'],
  extraPrefixes: ['x-remote-extra-'],
};
const user = { 'x-remote-user': ['jane'] };

describe('the caller', () => {
  it('is who the headers say, with everything that belongs to it', () => {
    const headers = {
      ...user,
      'x-remote-uid': ['u1'],
      'x-remote-group': ['a', 'b'],
      'x-remote-extra-scopes': ['one', 'two'],
      'x-other': ['z'],
    };
    const extra = { scopes: ['one', 'two'] };
    expect(callerOf(headers, config)).toEqual({ user: 'jane', uid: 'u1', groups: ['a', 'b'], extra });
  });

  it.each<[string, Headers, object]>([
    ['has no groups if none are said', user, { user: 'jane', groups: [], extra: {} }],
    ['comes from the second header if the first is not there', { 'x-user': ['joe'] }, { user: 'joe' }],
    ['comes from the first of both', { ...user, 'x-user': ['joe'] }, { user: 'jane' }],
    [
      'has groups with commas in one piece',
      { ...user, 'x-remote-group': ['a, system:masters'] },
      { groups: ['a, system:masters'] },
    ],
    ['has a name in UTF-8', { 'x-remote-user': ['j\u00c3\u00bcrg'] }, { user: 'jürg' }],
    [
      'has extra keys that were encoded for the header',
      { ...user, 'x-remote-extra-example.com%2fkey': ['v'] },
      { extra: { 'example.com/key': ['v'] } },
    ],
    [
      'has extra keys that only look encoded',
      { ...user, 'x-remote-extra-50%': ['v'] },
      { extra: { '50%': ['v'] } },
    ],
  ])('%s', (_, headers, caller) => {
    expect(callerOf(headers, config)).toMatchObject(caller);
  });

  it('may have an extra key of any name', () => {
    const extra = callerOf({ ...user, 'x-remote-extra-__proto__': ['v'] }, config)?.extra ?? {};
    expect(Object.entries(extra)).toEqual([['__proto__', ['v']]]);
  });

  it('has no uid where it is not configured who may say it', () => {
    const headers = { ...user, 'x-remote-uid': ['forged'] };
    expect(callerOf(headers, { ...config, uidHeaders: [] })).not.toHaveProperty('uid');
  });

  it.each<[string, Headers]>([
    ['nothing', {}],
    ['an empty name', { 'x-remote-user': [''] }],
    ['two names', { 'x-remote-user': ['jane', 'joe'] }],
    ['the same name twice', { 'x-remote-user': ['jane', 'jane'] }],
    ['two uids', { ...user, 'x-remote-uid': ['a', 'b'] }],
    ['bytes that are no UTF-8', { 'x-remote-user': ['\u00ff'] }],
    ['a group that is no UTF-8', { ...user, 'x-remote-group': ['\u00ff'] }],
    ['groups alone', { 'x-remote-group': ['system:masters'] }],
  ])('is nobody with %s', (_, headers) => {
    expect(callerOf(headers, config)).toBeUndefined();
  });
});
