import { describe, expect, it } from 'vitest';
import { buildNpmrc, SECRET_MARK } from './npm-access.ts';

const REGISTRY = 'https://registry.example.com/npm/';

describe("the build's npmrc", () => {
  it('keeps who may fetch packages, and no path of this machine', () => {
    const own = [
      '//registry.example.com/npm/:_authToken=token',
      'cafile=/home/me/ca.pem',
      ' cache = /home/me/.npm',
      'registry=https://another.example.com/',
      'strict-ssl=true',
    ].join('\n');
    expect(buildNpmrc(own, REGISTRY, true)).toBe(
      [
        `; ${SECRET_MARK}`,
        '//registry.example.com/npm/:_authToken=token',
        'strict-ssl=true',
        `registry=${REGISTRY}`,
        'cafile=/run/secrets/ca',
        '',
      ].join('\n'),
    );
  });

  it('names no certificates where there are none', () => {
    expect(buildNpmrc('', REGISTRY, false)).toBe(`; ${SECRET_MARK}\nregistry=${REGISTRY}\n`);
  });
});
