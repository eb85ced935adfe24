import { describe, expect, it } from 'vitest';
import { StatusError } from './errors.ts';
import { routeOf, type Route } from './routes.ts';

const of = { group: 'keys.example.com', version: 'v1' };
const base = '/apis/keys.example.com/v1';

describe('a path', () => {
  it.each<[string, Route]>([
    ['/healthz', { kind: 'health' }],
    ['/readyz', { kind: 'health' }],
    ['/apis', { kind: 'groups' }],
    ['/apis/keys.example.com', { kind: 'group' }],
    [base, { kind: 'resources' }],
    ['/openapi/v3', { kind: 'openapi' }],
    ['/openapi/v3/apis/keys.example.com/v1', { kind: 'schema' }],
    [`${base}/things`, { kind: 'collection', plural: 'things' }],
    [`${base}/namespaces/a/things`, { kind: 'collection', plural: 'things', namespace: 'a' }],
    [`${base}/namespaces/a/things/x`, { kind: 'object', plural: 'things', namespace: 'a', name: 'x' }],
    // A name is decoded once, and no more.
    [
      `${base}/namespaces/a/things/k%3Ax%253A`,
      { kind: 'object', plural: 'things', namespace: 'a', name: 'k:x%3A' },
    ],
    [`${base}/namespaces/a/things/ü`, { kind: 'object', plural: 'things', namespace: 'a', name: 'ü' }],
    [
      `${base}/namespaces/a/things/__proto__`,
      { kind: 'object', plural: 'things', namespace: 'a', name: '__proto__' },
    ],
  ])('%s leads to %j', (path, route) => {
    expect(routeOf(path, of)).toEqual(route);
  });

  it.each([
    '/',
    '',
    '/api',
    '/version',
    '/openapi/v2',
    '/openapi/v3/apis/other/v1',
    '/openapi',
    '/apis/other',
    '/apis/keys.example.com/v2',
    '/apis/',
    `${base}/`,
    `/${base}`,
    `${base}/things/x`,
    `${base}/watch/things`,
    `${base}/namespaces/a`,
    `${base}/namespaces/a/things/x/status`,
    `${base}/namespaces//things`,
    'https://host/apis',
  ])('%j leads nowhere', (path) => {
    const route = routeOf(path, of);
    if (route.kind !== 'collection') expect(route).toEqual({ kind: 'none' });
    // A collection of that name does not exist; what there is is for others to say.
    else expect(['namespaces', 'watch']).toContain(route.plural);
  });

  it.each([
    ['an encoded slash', `${base}/namespaces/a/things/x%2Fy`],
    ['an encoded slash in the namespace', `${base}/namespaces/a%2fb/things`],
    ['NUL', `${base}/namespaces/a/things/x%00`],
    ['a line break', `${base}/namespaces/a/things/x%0Ay`],
    ['a control character of Latin-1', `${base}/namespaces/a/things/x%C2%85`],
    ['a line separator', `${base}/namespaces/a/things/x%E2%80%A8`],
    ['dots', `${base}/namespaces/a/things/..`],
    ['encoded dots', `${base}/namespaces/%2e%2e/things`],
    ['half a character', `${base}/namespaces/a/things/%C3`],
    ['a broken escape', `${base}/namespaces/a/things/%zz`],
    ['no name of a namespace', `${base}/namespaces/A_b/things`],
    ['a namespace that is too long', `${base}/namespaces/${'a'.repeat(64)}/things`],
    ['a name that is too long', `${base}/namespaces/a/things/${'a'.repeat(1025)}`],
  ])('with %s is refused', (_, path) => {
    expect(() => routeOf(path, of)).toThrow(StatusError);
    expect(() => routeOf(path, of)).toThrow(expect.objectContaining({ code: 'BadRequest' }));
  });
});
