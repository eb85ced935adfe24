import { describe, expect, it } from 'vitest';
import { checkVersion, compare } from './version.ts';

describe('a version', () => {
  it.each([
    ['0.1.0', '0.1.0', []],
    ['0.1.1', '0.1.0', ['v0.1.0']],
    ['0.2.0-rc.1', '0.1.0', ['v0.1.0']],
    ['0.2.0', '0.2.0-rc.2', ['v0.2.0-rc.1', 'v0.2.0-rc.2']],
    ['1.0.0', '0.10.0', []],
  ])('%s may follow %s', (wanted, current, tags) => {
    expect(() => checkVersion(wanted, current, tags)).not.toThrow();
  });

  it.each([
    ['', '0.1.0', [], 'VERSION is needed: make release VERSION=1.2.3'],
    ['v0.2.0', '0.1.0', [], 'VERSION must look like 1.2.3 or 1.2.3-rc.1'],
    ['0.2', '0.1.0', [], 'VERSION must look like'],
    ['0.2.0-beta', '0.1.0', [], 'VERSION must look like'],
    ['0.1.0', '0.1.0', ['v0.1.0'], 'the tag v0.1.0 is there already'],
    ['0.1.9', '0.1.10', [], '0.1.9 is lower than 0.1.10'],
    ['0.2.0-rc.1', '0.2.0', [], '0.2.0-rc.1 is lower than 0.2.0'],
  ])('%j after %s: no', (wanted, current, tags, message) => {
    expect(() => checkVersion(wanted, current, tags)).toThrow(message);
  });
});

it.each([
  ['1.0.0', '1.0.0', 0],
  ['1.0.0-rc.2', '1.0.0-rc.10', -1],
  ['1.0.0-rc.1', '1.0.0', -1],
  ['1.0.0', '1.0.0-rc.1', 1],
  ['2.0.0', '10.0.0', -1],
])('%s against %s', (a, b, sign) => {
  expect(Math.sign(compare(a, b))).toBe(sign);
});
