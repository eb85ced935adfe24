import { describe, expect, it } from 'vitest';
import { PluginError } from './exit.ts';
import { CONNECTION, describeFlags, OUTPUT, parseFlags, wantsJson } from './flags.ts';

const KNOWN = { ...CONNECTION, ...OUTPUT, all: { kind: 'switch', short: 'A', help: 'all' } } as const;
const parse = (...argv: string[]) => parseFlags(argv, KNOWN);
const refused = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof PluginError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('flags', () => {
  it.each([
    ['stand before and after', ['-n', 'a', 'pod', 'x', '--context', 'c'], { namespace: 'a', context: 'c' }],
    ['take their value after =', ['--namespace=a', '-ojson'], { namespace: 'a', output: 'json' }],
    ['of which the last one counts', ['-n', 'a', '-n', 'b'], { namespace: 'b' }],
    ['of which all count', ['--as-group', 'a', '--as-group', 'b'], { 'as-group': ['a', 'b'] }],
    ['that are switches', ['-A'], { all: true }],
    ['with an empty value', ['--namespace='], { namespace: '' }],
    ['with a value that starts with a dash, after =', ['--context=-x'], { context: '-x' }],
    ['that are absent', [], { all: false, 'as-group': [], namespace: undefined }],
  ])('%s', (_, argv, flags) => {
    expect(parse(...argv).flags).toMatchObject(flags);
  });

  it('leave the other arguments in their order, and everything after --', () => {
    expect(parse('a', '-n', 'x', 'b', '--', '--c').args).toEqual(['a', 'b', '--c']);
  });

  it.each([
    ['an unknown one by its name', ['--frobnicate'], 'unknown flag --frobnicate'],
    ['an unknown one without what may be a secret', ['--Passw0rd!'], 'unknown flag'],
    ['an unknown one without its value', ['--password=hunter2'], 'unknown flag --password'],
    ['a name that objects have', ['--constructor'], 'unknown flag --constructor'],
    ['one without its value', ['-n'], 'the flag --namespace needs a value'],
    ['one that would eat the next flag', ['-n', '--context', 'x'], 'the flag --namespace needs a value'],
    ['a switch with a value', ['--all=yes'], 'the flag --all takes no value'],
  ])('refuse %s', (_, argv, message) => {
    expect(refused(() => parse(...argv))).toBe(message);
  });

  it('know one output', () => {
    expect([wantsJson('json'), wantsJson(undefined)]).toEqual([true, false]);
    expect(refused(() => wantsJson('yaml'))).toBe('-o must be json');
  });

  it('describe themselves', () => {
    expect(describeFlags(OUTPUT)).toBe(`  -o, --output json${' '.repeat(18)}json instead of a table\n`);
  });
});
