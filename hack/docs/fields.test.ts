import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openApiSchema } from '../../src/api/crd.ts';
import { cel, defineKind, listMap } from '../../src/api/schema.ts';
import { cell, fieldsOf, kindPage, limitsOf, typeOf, type Schema } from './fields.ts';
import { kindPages } from './kinds.ts';

const schema = (zod: z.ZodType) => openApiSchema(zod) as Schema;

describe('fieldsOf', () => {
  it('walks objects and lists, each field before those in it', () => {
    const spec = z.object({
      env: z
        .array(z.object({ name: z.string().describe('Its name.'), optional: z.boolean().optional() }))
        .optional(),
      tls: z.object({ ca: z.string() }).describe('Whom to trust.'),
    });
    const rows = fieldsOf(schema(spec), 'spec').map(({ path, type, required }) => [path, type, required]);
    expect(rows).toEqual([
      ['spec.env', 'list of objects', false],
      ['spec.env[].name', 'string', true],
      ['spec.env[].optional', 'boolean', false],
      ['spec.tls', 'object', true],
      ['spec.tls.ca', 'string', true],
    ]);
  });
});

describe('typeOf', () => {
  it.each([
    ['string', z.string()],
    ['integer', z.int()],
    ['choice', z.enum(['a', 'b'])],
    ['time', z.string().meta({ format: 'date-time' })],
    ['list of strings', z.array(z.string())],
    ['list of choices', z.array(z.enum(['a', 'b']))],
  ])('%s', (type, zod) => {
    expect(typeOf(schema(zod))).toBe(type);
  });
});

describe('limitsOf', () => {
  it.each([
    ['nothing to say', z.string(), ''],
    ['a length', z.string().min(1).max(63), '1 to 63 characters'],
    ['an upper bound alone', z.string().max(16), 'at most 16 characters'],
    ['exactly one', z.array(z.string()).min(1).max(1), '1 to 1 item'],
    ['a lower bound alone', z.int().min(1), 'at least 1'],
    ['a choice', z.enum(['keep', 'upperSnake']), '`keep`, `upperSnake`'],
    [
      'a rule, as the API server says it',
      z.string().meta(cel(['self != ""', 'must be said'])),
      'must be said',
    ],
    ['a list by name', z.array(z.object({ name: z.string() })).meta(listMap('name')), 'each `name` once'],
    [
      'the items of a list',
      z.array(z.string().min(1).max(9)).min(1),
      'at least 1 item; each: 1 to 9 characters',
    ],
  ])('%s', (_, zod, limits) => {
    expect(limitsOf(schema(zod))).toBe(limits);
  });
});

describe('cell', () => {
  it.each([
    ['a|b', String.raw`a\|b`],
    ['[/v1/]<mount>', String.raw`\[/v1/\]\<mount>`],
    ['FAIRLEAD_*', String.raw`FAIRLEAD\_\*`],
    ['`a_*` stays', '`a_*` stays'],
    ['two\nlines', 'two lines'],
  ])('%j', (text, markdown) => {
    expect(cell(text)).toBe(markdown);
  });
});

describe('the page of a kind', () => {
  const kind = defineKind({
    kind: 'Rope',
    plural: 'ropes',
    shortNames: ['rp'],
    description: 'What is guided.',
    spec: z.object({ metres: z.int().min(1).describe('How long.') }).meta(cel(['true', 'must hold'])),
    status: z.object({ wet: z.boolean().optional().describe('Whether it is.') }),
    columns: [
      { name: 'Wet', type: 'string', jsonPath: '.status.wet' },
      { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    ],
  });
  const page = kindPage({ kind, more: ['[ropes](../ropes.md)'], sample: 'config/samples/rope.yaml' });

  it.each([
    ['its kind', '| kind | `Rope` |'],
    ['its short name', '`ropes`, `rp`'],
    ['fields of the spec', '| `spec.metres` | integer | yes | at least 1 | How long. |'],
    ['fields of the status', '| `status.wet` | boolean |  | Whether it is. |'],
    ['rules over several fields', '- must hold'],
    ['columns', 'Wet, (Message).'],
    ['the sample', '[config/samples/rope.yaml](../../config/samples/rope.yaml)'],
  ])('tells %s', (_, line) => {
    expect(page).toContain(line);
  });
});

describe('the page of a kind without a CRD', () => {
  const spec = z.object({ metres: z.int().describe('How long.') });
  const kind = { kind: 'Knot', plural: 'knots', description: 'Named <a>:<b>.', spec };
  const page = kindPage({ kind, apiVersion: 'keys.example.com/v1', more: [] });

  it('tells its API, and has text that is no markup', () => {
    expect(page).toContain('| apiVersion | `keys.example.com/v1` |');
    expect(page).toContain(String.raw`Named \<a>:\<b>.`);
  });

  it('has no section that would be empty', () => {
    expect(page.match(/^## .*/gm)).toEqual(['## Spec']);
    expect(page).not.toContain('| sample |');
  });
});

it('there is a page for each kind, those of the API for keys too', () => {
  const titles = kindPages().map(([, page]) => /^# (\w+): fields$/m.exec(page)?.[1]);
  const kinds = [
    'VaultIntegration',
    'SecretReference',
    'ResourceBundle',
    'StorageConfig',
    'SecretKey',
    'ConnectionTest',
  ];
  expect(new Set(titles)).toEqual(new Set(kinds));
});

describe.each(kindPages())('%s', (_, page) => {
  it('says of each field what it means', () => {
    const silent = page.split('\n').filter((line) => /^\| `(spec|status)\..*\|\s*\|$/.test(line));
    expect(silent).toEqual([]);
  });
});
