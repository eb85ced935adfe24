import { describe, expect, it } from 'vitest';
import { apiPath, isPlainPath, parseBelow, parsePath } from './path.ts';

describe('the path of an integration', () => {
  const taken: Record<string, [text: string, mount: string, secretPath: string]> = {
    'is split at data': ['secret/data/app', 'secret', 'app'],
    'may start with a slash': ['/secret/data/app', 'secret', 'app'],
    'may start with /v1/': ['/v1/secret/data/production', 'secret', 'production'],
    'may start with v1/': ['v1/secret/data/production', 'secret', 'production'],
    'may have a mount of several segments': ['/v1/team/kv/data/app', 'team/kv', 'app'],
    'may have a secret of several segments': ['secret/data/team/app/db', 'secret', 'team/app/db'],
    'is split at the first data': ['secret/data/data/data', 'secret', 'data/data'],
    'may have a mount called data': ['data/data/app', 'data', 'app'],
    'may have a mount called v1': ['/v1/data/app', 'v1', 'app'],
    'may have a mount called v1 behind /v1/': ['/v1/v1/data/app', 'v1', 'app'],
    'keeps v1 inside a path': ['secret/data/v1/app', 'secret', 'v1/app'],
    'may have spaces and letters of any script': ['secret/data/été 1/日本', 'secret', 'été 1/日本'],
    'may end in a slash': ['/v1/secret/data/app/', 'secret', 'app'],
    'keeps dots inside a segment': ['secret/data/app.v2/..a', 'secret', 'app.v2/..a'],
  };
  it.each(Object.entries(taken))('%s', (_, [text, mount, secretPath]) => {
    expect(parsePath(text)).toEqual({ mount, secretPath });
  });

  const refused: Record<string, string> = {
    'must have a data segment': 'secret/app',
    'must have a mount before data': 'data/app',
    'must have a mount between /v1/ and data': '/v1/data',
    'must have a secret behind data': 'secret/data',
    'must have a secret behind data/': 'secret/data/',
    'must not be empty': '',
    'must not be a slash': '/',
    'must not have data as a part of a segment': 'secret/database/app',
    'must not have an empty segment': 'secret/data//app',
    'must not start with two slashes': '//secret/data/app',
    'must not end in two slashes': 'secret/data/app//',
    'must not have ..': 'secret/data/../../sys/mounts',
    'must not have .. in the mount': '../secret/data/app',
    'must not have .': 'secret/data/./app',
    'must not have a question mark': 'secret/data/app?version=1',
    'must not have a hash': 'secret/data/app#x',
    'must not have an encoded slash': 'secret/data/a%2fx',
    'must not have an encoded dot': 'secret/data/%2e%2e/app',
    'must not have a backslash': 'secret/data/..\\app',
    'must not have half of a surrogate pair': 'secret/data/\ud800',
  };
  it.each(Object.entries(refused))('%s', (_, text) => {
    expect(parsePath(text)).toBeUndefined();
  });
});

describe('the API path', () => {
  const encoded: Record<string, [text: string, path: string]> = {
    'is the plain path where nothing needs encoding': ['secret/data/app', 'secret/data/app'],
    'encodes every segment': ['team kv/data/a b/ü', 'team%20kv/data/a%20b/%C3%BC'],
    'encodes what URLs give a meaning': [
      'secret/data/a&b=c+d;e@f:g',
      'secret/data/a%26b%3Dc%2Bd%3Be%40f%3Ag',
    ],
    'encodes line breaks': ['secret/data/a\nb', 'secret/data/a%0Ab'],
    'encodes what node-vault would turn into a slash': ['secret/data/a&x2F;b', 'secret/data/a%26x2F%3Bb'],
  };
  it.each(Object.entries(encoded))('%s', (_, [text, path]) => {
    const parsed = parsePath(text);
    expect(parsed && apiPath(parsed)).toBe(path);
    // Nothing in it is understood differently by a URL parser.
    expect(new URL(`https://vault/v1/${path}`).pathname).toBe(`/v1/${path}`);
  });
});

describe('a mount path', () => {
  it.each(['approle', 'team/approle', 'a b'])('may be %j', (path) => {
    expect(isPlainPath(path)).toBe(true);
  });
  it.each(['', '/approle', 'approle/', 'a//b', '../x', 'a/..', 'a?b', 'a#b', 'a%2fb', 'a\\b'])(
    'may not be %j',
    (path) => {
      expect(isPlainPath(path)).toBe(false);
    },
  );
});

describe('a place below the path', () => {
  const base = { mount: 'secret', secretPath: 'production' };
  const rows: Record<string, [below: string | undefined, secretPath: string]> = {
    'is the path itself if nothing is said': [undefined, 'production'],
    'is below it': ['app', 'production/app'],
    'may have several segments': ['app/db', 'production/app/db'],
    'may start and end in a slash': ['/app/', 'production/app'],
    'may have spaces, dots inside and any letters': ['été 1/..a.b', 'production/été 1/..a.b'],
    'may be called data': ['data', 'production/data'],
    'keeps v1': ['v1/app', 'production/v1/app'],
  };
  it.each(Object.entries(rows))('%s', (_, [below, secretPath]) => {
    expect(parseBelow(base, below)).toEqual({ mount: 'secret', secretPath });
  });

  it.each([
    '',
    '/',
    '//',
    '..',
    '.',
    '../x',
    'a/../../x',
    'a//b',
    '//a',
    'a?b',
    'a#b',
    'a%2fb',
    'a\\b',
    '\ud800',
  ])('is not %j', (below) => {
    expect(parseBelow(base, below)).toBeUndefined();
  });
});
