import {
  array,
  assert,
  boolean,
  constantFrom,
  dictionary,
  oneof,
  option,
  property,
  record,
  string,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImportEntry } from '../api/secret-reference.ts';
import { RESERVED_VARIABLES, VARIABLE_NAME } from '../api/variable-name.ts';
import { expandImport } from './imports.ts';
import { JsonReader } from './property.ts';
import type { FieldValue } from './state.ts';

type Options = Omit<ImportEntry, 'source'>;
type Values = Record<string, FieldValue> | [string, FieldValue][];

function expand(values: Values, options: Options = {}) {
  const fields = new Map(Array.isArray(values) ? values : Object.entries(values));
  const entry: ImportEntry = { source: { type: 'VAULT', id: 'vault-prod' }, ...options };
  return expandImport(entry, { kind: 'fields', location: 'the place', fields }, new JsonReader());
}
const made = (values: Values, options?: Options) =>
  Object.fromEntries(expand(values, options).variables.map(({ variable, value }) => [variable, value]));
const messages = (values: Values, options?: Options) =>
  expand(values, options).problems.map(({ reason, message }) => `${reason}: ${message}`);

const upper = { names: 'upperSnake' } as const;
const SNOWFLAKE = '{"TRANSFORM":{"PASSWORD":"x","PORT":443.0},"ROLES":["a", "b"],"NONE":{},"ON":true}';

describe('an import makes', () => {
  const rows: Record<string, [Values, Options, Record<string, string>]> = {
    'each key under its own name': [{ DB: '1', db_user: '2' }, {}, { DB: '1', db_user: '2' }],
    'nothing of nothing': [{}, {}, {}],
    'names with a prefix': [{ user: '1' }, { prefix: 'DB_' }, { DB_user: '1' }],
    'names in upper case': [{ 'team/db-main.url v2': '1' }, upper, { TEAM_DB_MAIN_URL_V2: '1' }],
    'a name that begins with a digit after all': [{ '2fa': '1' }, upper, { _2FA: '1' }],
    'a name that a prefix keeps from it': [{ '2fa': '1' }, { ...upper, prefix: 'X' }, { X2FA: '1' }],
    'the prefix as it was written': [{ 'a-b': '1' }, { ...upper, prefix: 'db_' }, { db_A_B: '1' }],
    'one _ for each other character': [{ 'ß🔑ı': '1' }, upper, { ___: '1' }],
    'names without what all have in common': [
      { 'db/user': '1', 'db/url': '2', other: '3' },
      { ...upper, stripPrefix: true, select: { prefix: 'db/' } },
      { USER: '1', URL: '2' },
    ],
    'a new prefix in place of the old one': [
      { db_user: '1' },
      { prefix: 'PG_', stripPrefix: true, select: { prefix: 'db_' } },
      { PG_user: '1' },
    ],
    'all but what is excluded': [
      { A: '1', PATH: '2', 'b-c': '3' },
      { select: { exclude: ['PATH', '*-*'] } },
      { A: '1' },
    ],
    'a JSON object as its leaves': [
      { SNOWFLAKE },
      { expandJson: true },
      {
        SNOWFLAKE_TRANSFORM_PASSWORD: 'x',
        SNOWFLAKE_TRANSFORM_PORT: '443.0',
        SNOWFLAKE_ROLES: '["a","b"]',
        SNOWFLAKE_ON: 'true',
      },
    ],
    'a JSON object as a whole if nothing else is said': [{ SNOWFLAKE }, {}, { SNOWFLAKE }],
    'leaves without their key': [
      { 'app/': '{"user":{"name":"x"}}' },
      { expandJson: true, stripPrefix: true, select: { prefix: 'app/' } },
      { user_name: 'x' },
    ],
    'text, arrays and numbers as they are': [
      { A: 'text', B: '[1]', C: '12', D: '{"a":' },
      { expandJson: true },
      { A: 'text', B: '[1]', C: '12', D: '{"a":' },
    ],
    'a leaf that holds JSON as it is': [
      { A: '{"b":"{\\"c\\":1}"}' },
      { expandJson: true },
      { A_b: '{"c":1}' },
    ],
    'no variable of an empty object': [{ A: ' {} ' }, { expandJson: true }, {}],
  };
  it.each(Object.entries(rows))('%s', (_, [values, options, expected]) => {
    expect(messages(values, options)).toEqual([]);
    expect(made(values, options)).toEqual(expected);
  });

  it('variables with names that objects have by birth', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const { variables } = expand(names.map((name) => [name, name]));
    expect(variables.map(({ variable, value }) => [variable, value])).toEqual(
      names.map((name) => [name, name]),
    );
    const leaves = expand({ A: '{"__proto__":{"constructor":"x"}}' }, { expandJson: true });
    expect(leaves.variables).toMatchObject([{ variable: 'A___proto___constructor', value: 'x' }]);
  });

  it('what bytes hold, too', () => {
    expect(made({ A: Buffer.from('{"b":"x"}') }, { expandJson: true })).toEqual({ A_b: 'x' });
  });
});

describe('an import says what it cannot make', () => {
  const deep = `${'{"a":'.repeat(17)}"x"${'}'.repeat(17)}`;
  const rows: Record<string, [Values, Options, string[]]> = {
    'a key that is no variable name': [
      { 'db-user': '1', A: '2' },
      {},
      [
        'NotAVariableName: key db-user is no variable name (letters, digits and _): use names: upperSnake, or exclude it',
      ],
    ],
    'a leaf that is no variable name': [
      { A: '{"b":{"c-d":1}}' },
      { expandJson: true },
      [
        'NotAVariableName: key A property b.c-d is no variable name (letters, digits and _): use names: upperSnake, or exclude it',
      ],
    ],
    'a key of which nothing is left': [
      { db_: '1' },
      { stripPrefix: true, select: { prefix: 'db_' }, prefix: 'A_' },
      ['NotAVariableName: nothing is left of key db_ as a name: exclude it'],
    ],
    'a key that is too long for a name': [
      { ['k'.repeat(254)]: '1' },
      {},
      [`NotAVariableName: key ${'k'.repeat(80)}… makes a name of over 253 characters: exclude it`],
    ],
    'a key with control characters, without repeating them': [
      { 'a\n\u202eb': '1' },
      {},
      [
        'NotAVariableName: key a??b is no variable name (letters, digits and _): use names: upperSnake, or exclude it',
      ],
    ],
    'a reserved name': [
      { path: '1' },
      upper,
      ['NotSupportedHere: key path makes the reserved variable PATH: exclude it, or set a prefix'],
    ],
    'a reserved name that the prefix completes': [
      { DER: '1' },
      { prefix: 'LD_' },
      ['NotSupportedHere: key DER makes the reserved variable LD_DER: exclude it, or set a prefix'],
    ],
    'a name that Spark finds its code by': [
      { 'hadoop.conf.dir': '1', java_home: '1', spark_x: '1' },
      upper,
      ['HADOOP_CONF_DIR', 'JAVA_HOME', 'SPARK_X'].map(
        (name) =>
          `NotSupportedHere: key ${name === 'HADOOP_CONF_DIR' ? 'hadoop.conf.dir' : name.toLowerCase()} makes the reserved variable ${name}: exclude it, or set a prefix`,
      ),
    ],
    'two keys with one variable': [
      { 'db-url': '1', 'db.url': '2' },
      upper,
      ['NameConflict: key db-url and key db.url both make the variable DB_URL: exclude one of them'],
    ],
    'a leaf and a key with one variable': [
      { DB: '{"URL":"1"}', DB_URL: '2' },
      { expandJson: true },
      ['NameConflict: key DB property URL and key DB_URL both make the variable DB_URL: exclude one of them'],
    ],
    'two leaves with one variable': [
      { A: '{"b":{"c":1},"b_c":2}' },
      { expandJson: true },
      [
        'NameConflict: key A property b.c and key A property b_c both make the variable A_b_c: exclude one of them',
      ],
    ],
    'a key and something below it': [
      { 'db/password': '1', db: '2' },
      upper,
      ['NameConflict: key db and key db/password are a value and something below it: exclude one of them'],
    ],
    'a key and something below it, with a dot': [
      { db: '2', 'db.password': '1' },
      upper,
      ['NameConflict: key db and key db.password are a value and something below it: exclude one of them'],
    ],
    'a leaf and a key below it': [
      { db: '{"user":"x"}', 'db/user/name': '1' },
      { ...upper, expandJson: true },
      [
        'NameConflict: key db property user and key db/user/name are a value and something below it: exclude one of them',
      ],
    ],
    'a listed key that is not there': [
      { a: '1' },
      { select: { keys: ['a', 'b'] } },
      ['KeyNotFound: the place has no key b'],
    ],
    'many listed keys that are not there': [
      {},
      { select: { keys: ['1', '2', '3', '4', '5', '6', '7'] } },
      ['KeyNotFound: the place has no key 1, 2, 3, 4, 5 and 2 more'],
    ],
    'JSON without end': [
      { A: deep },
      { expandJson: true },
      [
        'QuotaExceeded: key A holds objects in more than 16 levels: exclude it, or import it without expandJson',
      ],
    ],
    'more variables than a pod may have': [
      Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`K${i}`, ''])),
      {},
      ['QuotaExceeded: makes more than 1024 variables; select fewer keys'],
    ],
    'more leaves than a pod may have': [
      { A: JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]))) },
      { expandJson: true },
      ['QuotaExceeded: makes more than 1024 variables; select fewer keys'],
    ],
    'more keys than patterns can be tried on': [
      { ['k'.repeat(65_537)]: '1' },
      {},
      ['QuotaExceeded: the place has more keys than an import can look through; use several paths'],
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [values, options, expected]) => {
    expect(messages(values, options)).toEqual(expected);
  });

  it('nothing if an object has its own place and the keys beside it theirs', () => {
    const values = { db: '{"user":"x"}', 'db/url': 'y', dbx: 'z' };
    expect(messages(values, { ...upper, expandJson: true })).toEqual([]);
  });

  it('nothing of 1,024 variables', () => {
    const values = Object.fromEntries(Array.from({ length: 1024 }, (_, i) => [`K${i}`, '']));
    expect(messages(values)).toEqual([]);
  });
});

describe('whatever a source holds', () => {
  // No key can hold the planted text, so a message that has it must have it from a value.
  const PLANTED = 'pl4nted';
  const name = oneof(
    string({ maxLength: 6, unit: constantFrom('a', 'B', '1', '_', '-', '.', '/', '🔑', '\uD800', '\n') }),
    constantFrom('__proto__', 'constructor', 'path', 'ENV', 'ld_x', 'db', 'db/x', 'db.x'),
  );
  const leaf = constantFrom(PLANTED, ` ${PLANTED}\0`, 4.5, true, null, [PLANTED], {});
  const object = dictionary(name, oneof(leaf, dictionary(name, oneof(leaf, dictionary(name, leaf)))));
  const value = oneof(
    constantFrom(PLANTED, '', `{"${PLANTED}`, Buffer.from([0xff, 0x80]), Buffer.from(PLANTED)),
    object.map((of) => JSON.stringify(of)),
    object.map((of) => Buffer.from(JSON.stringify(of))),
  );
  const options = record({
    prefix: option(constantFrom('A', 'P', '_', 'LD', 'DB_'), { nil: undefined }),
    stripPrefix: boolean(),
    expandJson: boolean(),
    names: option(constantFrom('keep', 'upperSnake'), { nil: undefined }),
    select: option(
      record({
        prefix: option(name, { nil: undefined }),
        keys: option(array(name), { nil: undefined }),
        match: option(array(name), { nil: undefined }),
        exclude: option(array(constantFrom('*a', '?', '*', 'x')), { nil: undefined }),
      }),
      { nil: undefined },
    ),
  });
  const valid = new RegExp(VARIABLE_NAME);
  const reserved = new RegExp(RESERVED_VARIABLES);

  it('names are valid and free, each is there once unless that is a problem, and no value is told', () => {
    assert(
      property(array(record({ name, value })), options, (list, chosen) => {
        const values = list.map((one): [string, FieldValue] => [one.name, one.value]);
        const { variables, problems } = expand(values, chosen);
        for (const { variable } of variables) {
          expect(variable).toMatch(valid);
          expect(variable).not.toMatch(reserved);
        }
        const distinct = new Set(variables.map(({ variable }) => variable)).size;
        if (problems.length === 0) expect(distinct).toBe(variables.length);
        for (const { message } of problems) {
          expect(message).not.toContain(PLANTED);
          expect(message.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('every key that is taken is a variable, a problem or an object of leaves', () => {
    assert(
      property(
        dictionary(name, constantFrom(PLANTED)),
        constantFrom(undefined, 'upperSnake' as const),
        (values, names) => {
          const { variables, problems } = expand(values, names && { names });
          const told = new Set(variables.map(({ key }) => key)).size;
          expect(told + problems.length).toBeGreaterThanOrEqual(Object.keys(values).length);
        },
      ),
    );
  });
});
