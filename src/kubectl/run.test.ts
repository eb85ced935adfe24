import { describe, expect, it } from 'vitest';
import type { Command } from './command.ts';
import { audit } from './audit.ts';
import { doctor } from './doctor/command.ts';
import { explain } from './explain/command.ts';
import { keys } from './keys/list.ts';
import { set } from './keys/set.ts';
import { unset } from './keys/unset.ts';
import { lint } from './lint/command.ts';
import { migratePlaceholders } from './migrate/command.ts';
import { runPlugin } from './run.ts';
import { kubeError, testIo } from './test-support.ts';
import { versionCommand } from './version-command.ts';

const ALL = {
  ...{ explain, doctor, keys, set, unset, lint, audit, version: versionCommand },
  'migrate-placeholders': migratePlaceholders,
};
const commands = Object.fromEntries(
  Object.entries(ALL).map(([name, command]) => [name, async () => command]),
);
const run = async (argv: readonly string[], stdin = '') => {
  const io = testIo(stdin, { KUBECONFIG: '/dev/null' });
  const code = await runPlugin(argv, commands, io);
  return { code, ...io.printed() };
};

describe('help', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])('is printed for %j', async (argv) => {
    const { code, out, err } = await run(argv);
    expect([code, err]).toEqual([0, '']);
    for (const name of Object.keys(ALL)) expect(out).toContain(`\n  ${name}`);
  });

  it.each(Object.keys(ALL))('of %s has examples and all flags', async (name) => {
    const { code, out } = await run([name, 'x', '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`  kubectl fairlead ${name}`);
    expect(out).toContain('Examples:\n  # ');
    const { flags } = ALL[name as keyof typeof ALL];
    for (const flag of Object.keys(flags)) expect(out).toContain(`--${flag}`);
  });

  it('is not meant after --', async () => {
    expect((await run(['explain', '--', '--help'])).code).toBe(2);
  });
});

describe('a wrong call', () => {
  it.each([
    ['an unknown command', ['frobnicate']],
    ['a name that objects have', ['constructor']],
    ['an unknown flag', ['explain', 'pod', 'x', '--frob']],
    ['a kind that is none', ['explain', 'deployment', 'x']],
    ['a missing name', ['explain', 'pod']],
    ['one name too many', ['explain', 'pod', 'x', 'y']],
    ['another output', ['keys', '-o', 'yaml']],
    ['a type that is none', ['keys', '--type', 'FILE']],
    ['an id that would change the selector', ['keys', '--id', 'a,b=c']],
    ['an argument of keys', ['keys', 'x']],
    ['nothing to doctor', ['doctor', 'integration']],
    ['no key', ['set']],
    ['a second argument of set', ['set', 'a', 's3cret']],
    ['a flag of set that is none', ['set', 'a', '--s-e-cret']],
    ['a question that nobody would hear', ['unset', 'a']],
    ['no file', ['lint']],
    ['a file that is not there', ['lint', '/nowhere']],
    ['nothing to migrate', ['migrate-placeholders']],
    ['a file to migrate that is not there', ['migrate-placeholders', '/nowhere']],
    ['a source that is none', ['migrate-placeholders', '--source', 'FILE:s3cret', '-']],
    ['a map that is none', ['migrate-placeholders', '--map', 's3cret', '-']],
    ['a map without an id', ['migrate-placeholders', '--map', 'a=VAULT', '-']],
    ['a name that no object has', ['migrate-placeholders', '--name', 'S3cret!', '-']],
    ['standard input to write', ['migrate-placeholders', '--write', '-']],
    ['a time that is none', ['keys', '--request-timeout', 'soon']],
    ['no audit', ['audit']],
  ])('with %s ends with 2', async (_, argv) => {
    const { code, out, err } = await run(argv);
    expect(code).toBe(2);
    expect(`${out}${err}`).not.toBe('');
    expect(`${out}${err}`).not.toMatch(/s3cret|s-e-cret/);
  });
});

describe('a failure', () => {
  const failing = (error: unknown): Command => ({
    ...{ usage: '', summary: '', description: '', examples: [], flags: {} },
    run: async () => {
      throw error;
    },
  });
  const told = async (name: string, error: unknown) => {
    const io = testIo();
    const code = await runPlugin([name], { [name]: async () => failing(error) }, io);
    return [code, io.printed().err];
  };

  it.each([
    [
      'the server in its own words',
      'x',
      kubeError('Forbidden', 403, 'pods is forbidden'),
      3,
      'error: pods is forbidden\n',
    ],
    [
      'no words of the server that carry colours',
      'x',
      kubeError('Invalid', 422, '\u001b[31mred'),
      1,
      'error: ?[31mred\n',
    ],
    [
      'no words of the server for set',
      'set',
      kubeError('Forbidden', 403, 's3cret'),
      3,
      'error: you are not allowed to do this\n',
    ],
    ['nothing there', 'x', kubeError('NotFound', 404), 1, 'error: it is not there (call: NotFound)\n'],
    [
      'nobody there',
      'x',
      kubeError('Unreachable'),
      3,
      'error: the API server cannot be reached (call: Unreachable)\n',
    ],
    [
      'a server in trouble',
      'x',
      kubeError('ServerError', 503),
      3,
      'error: the server answered 503 ServerError (call: ServerError)\n',
    ],
    [
      'a mistake of ours, without its message',
      'x',
      new TypeError('s3cret'),
      3,
      'error: something went wrong in the plugin\n',
    ],
  ])('tells of %s', async (_, name, error, code, err) => {
    expect(await told(name, error)).toEqual([code, err]);
  });
});

it('says which version it is', async () => {
  const { out } = await run(['version', '-o', 'json']);
  expect(JSON.parse(out)).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});
