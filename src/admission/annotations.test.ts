import { describe, expect, test } from 'vitest';
import { annotation, containersMistake, listedNames, namesMistake, quoted } from './annotations.ts';
import { REFERENCES_ANNOTATION, STORAGE_ANNOTATION } from '../api/names.ts';
import { pod } from './test-support.ts';

describe('fairlead.dev/secret-references', () => {
  test.each([
    ['one name', 'warehouse', ['warehouse']],
    ['several, in order', 'warehouse,lake', ['warehouse', 'lake']],
    ['white space around names', ' warehouse ,\n\tlake ', ['warehouse', 'lake']],
    ['a name twice, which counts once', 'lake,warehouse,lake', ['lake', 'warehouse']],
    ['an empty place between commas', 'warehouse,,lake,', ['warehouse', 'lake']],
    ['a name with dots', 'team.warehouse-1', ['team.warehouse-1']],
    ['a name of 253 characters', 'a'.repeat(253), ['a'.repeat(253)]],
    ['names that mean something to JavaScript', 'constructor', ['constructor']],
  ])('takes %s', (_, value, names) => {
    expect(listedNames(value)).toEqual(names);
    expect(namesMistake(REFERENCES_ANNOTATION, value)).toBeUndefined();
  });

  test.each([
    ['is empty', '', /is empty: name the SecretReferences/],
    ['holds commas and blanks only', ' , ,', /is empty/],
    ['has a name in upper case', 'Warehouse', /names "Warehouse": .* lower case/],
    ['has a name with an underscore', 'ware_house', /names "ware_house"/],
    ['has a name with a blank inside', 'ware house', /names "ware house"/],
    ['has a name that starts with a dash', '-a', /names "-a"/],
    ['has a name with an empty part', 'a..b', /names "a\.\.b"/],
    ['has a name of 254 characters', 'a'.repeat(254), /at most 253/],
    ['has the JavaScript name __proto__', '__proto__', /names "__proto__"/],
    ['has 17 names', Array.from({ length: 17 }, (_, i) => `r${i}`).join(), /names 17 .* at most 16/],
  ])('refuses a value that %s', (_, value, message) => {
    const mistake = namesMistake(REFERENCES_ANNOTATION, value);
    expect(mistake).toMatch(/^the annotation fairlead\.dev\/secret-references /);
    expect(mistake).toMatch(message);
  });

  test('counts 16 names given twice as 16', () => {
    const names = Array.from({ length: 16 }, (_, i) => `r${i}`).join();
    expect(namesMistake(REFERENCES_ANNOTATION, `${names},${names}`)).toBeUndefined();
  });
});

describe('fairlead.dev/storage', () => {
  test.each([
    ['takes names', 'lake, archive', undefined],
    ['refuses none', ',', /^the annotation fairlead\.dev\/storage is empty: name the StorageConfigs/],
    [
      'refuses 17',
      Array.from({ length: 17 }, (_, i) => `s${i}`).join(),
      /names 17 StorageConfigs: at most 16/,
    ],
    ['refuses a name in upper case', 'Lake', /names "Lake": a StorageConfig's name/],
  ])('%s', (_, value, message) => {
    const mistake = namesMistake(STORAGE_ANNOTATION, value);
    if (message) expect(mistake).toMatch(message);
    else expect(mistake).toBeUndefined();
  });
});

describe('fairlead.dev/containers', () => {
  test('takes names as the other annotation does', () => {
    expect(listedNames(' main , init,main')).toEqual(['main', 'init']);
    expect(containersMistake(' main , init,main')).toBeUndefined();
  });

  test.each([
    ['is empty', ' ', /is empty: name the containers/],
    ['has a name with a dot', 'a.b', /names "a\.b", which cannot be the name of a container/],
    [
      'has 257 names',
      Array.from({ length: 257 }, (_, i) => `c${i}`).join(','),
      /names 257 containers: at most 256/,
    ],
    ['has a name of 64 characters', 'a'.repeat(64), /cannot be the name of a container/],
  ])('refuses a value that %s', (_, value, message) => expect(containersMistake(value)).toMatch(message));
});

describe('annotation', () => {
  test('sees own keys only', () => {
    expect(annotation(pod({ annotations: { a: '1' } }), 'a')).toBe('1');
    expect(annotation(pod({ annotations: { a: '1' } }), 'constructor')).toBeUndefined();
    expect(annotation(pod(), 'a')).toBeUndefined();
  });
});

test.each([
  ['keeps a name', 'warehouse', '"warehouse"'],
  ['keeps 40 characters', 'a'.repeat(40), `"${'a'.repeat(40)}"`],
  ['cuts a long one', 'a'.repeat(1_000_000), `"${'a'.repeat(40)}..."`],
  ['masks what a header cannot carry', 'a\n"ü\\\u0000b', '"a?????b"'],
])('quoted %s', (_, name, text) => expect(quoted(name)).toBe(text));
