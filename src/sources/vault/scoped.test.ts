import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { answer, errors } from '../../../test/support/vault-login.ts';
import { childOf, childToken } from './scoped.ts';

describe('a child token', () => {
  it('has only the policies that are named, is good for one use and short-lived, and cannot be renewed', () => {
    expect(childToken({ policies: ['a', 'b'], ttl: '30s' })).toEqual({
      policies: ['a', 'b'],
      ttl: '30s',
      explicit_max_ttl: '30s',
      no_default_policy: true,
      renewable: false,
      num_uses: 1,
    });
  });

  it('lives a minute if nothing is said', () => {
    expect(childToken({ policies: ['a'] })).toMatchObject({ ttl: '60s', explicit_max_ttl: '60s' });
  });

  it('is hidden', () => {
    const child = childOf(answer(200, { auth: { client_token: 'planted' } }));
    expect(child.reveal()).toBe('planted');
    expect(inspect(child, { showHidden: true, depth: 9 })).not.toContain('planted');
  });

  it.each([
    [403, errors('1 error occurred:\n\t* permission denied'), 'PermissionDenied', 'read'],
    [400, errors('planted'), 'PermissionDenied', 'read'],
    [404, errors(), 'PermissionDenied', 'read'],
    [200, {}, 'PermissionDenied', 'read'],
    [500, errors('planted'), 'Unreachable', 'read'],
    [503, errors('x'), 'Sealed', 'server'],
    [429, errors('x'), 'RateLimited', 'connection'],
    [200, '<html>', 'Unreachable', 'connection'],
  ])('cannot be had with status %d and %j: %s', (status, body, reason, scope) => {
    let thrown: unknown;
    try {
      childOf(answer(status, body));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: reason,
      fault: { scope, status, request: 'POST /v1/auth/token/create' },
    });
    expect(inspect(thrown, { depth: 9 })).not.toContain('planted');
  });
});
