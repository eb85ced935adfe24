import { describe, expect, it } from 'vitest';
import { isAllowed, refused } from './licences.ts';

describe('a licence', () => {
  it.each([
    ['MIT', true],
    ['GPL-3.0-only', false],
    ['GPL-2.0-only OR MIT', true],
    ['(BSD-3-Clause OR GPL-2.0)', true],
    ['MIT AND GPL-3.0-only', false],
    ['MIT AND ISC', true],
    ['LicenseRef-Public-Domain OR MIT', true],
    ['SEE LICENSE IN LICENSE.txt', false],
    ['UNLICENSED', false],
    ['', false],
  ])('%s may be handed on: %s', (expression, expected) => {
    expect(isAllowed(expression)).toBe(expected);
  });
});

it('names production dependencies alone, with what they say of themselves', () => {
  const lock = {
    packages: {
      '': { license: 'Apache-2.0' },
      'node_modules/good': { version: '1.0.0', license: 'MIT' },
      'node_modules/good/node_modules/strict': { version: '2.0.0', license: 'AGPL-3.0-only' },
      'node_modules/silent': { version: '3.0.0' },
      'node_modules/choice': { version: '4.0.0', license: [{ type: 'GPL-2.0' }, { type: 'MIT' }] },
      'node_modules/tool': { version: '5.0.0', license: 'GPL-3.0-only', dev: true },
    },
  };
  expect(refused(lock)).toEqual(['strict 2.0.0: AGPL-3.0-only', 'silent 3.0.0: no licence']);
});
