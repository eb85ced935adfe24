import { assert, jsonValue, nat, property, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, numberAt, parseJson, plain, plainUpTo, type Json } from './json.ts';

/** The text that a JSON value becomes as an environment variable. */
function text(json: string): string | undefined {
  const value = parseJson(json);
  return value === undefined ? undefined : plain(value);
}

describe('a value becomes', () => {
  const rows: Record<string, [json: string, value: string]> = {
    'the string itself': ['"hunter2"', 'hunter2'],
    'a string with everything in it': [
      '"\\n \\"q\\" \\\\ $HOME \\u00e9 \\ud83d\\ude00 \\u003c \\/ \\t"',
      '\n "q" \\ $HOME é 😀 < / \t',
    ],
    'a string with leading and trailing blanks': ['"  a b  "', '  a b  '],
    'an empty string': ['""', ''],
    'a string that ends in a backslash': ['"a\\\\"', 'a\\'],
    'a string that ends in three backslashes': ['"a\\\\\\\\\\\\"', 'a\\\\\\'],
    'a string that looks like a number': ['"1.0"', '1.0'],
    'an integer that no double holds': ['9007199254740993', '9007199254740993'],
    'a fraction with its zeros': ['1.0', '1.0'],
    'an exponent as it was written': ['81111e1', '81111e1'],
    'a number that is infinite as a double': ['1e400', '1e400'],
    'a negative zero': ['-0', '-0'],
    'a long fraction': ['0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'],
    'an exponent with a sign': ['1E+2', '1E+2'],
    true: ['true', 'true'],
    false: ['false', 'false'],
    null: ['null', 'null'],
    'an object without blanks': [' { "a" : 1 , "b" : [ 1 , 2 ] } ', '{"a":1,"b":[1,2]}'],
    'an object with its keys in their order': ['{"z":1,"10":2,"2":3,"a":4}', '{"z":1,"10":2,"2":3,"a":4}'],
    'an object with exact numbers inside': [
      '{"id":9007199254740993,"rate":1.0,"big":1e400}',
      '{"id":9007199254740993,"rate":1.0,"big":1e400}',
    ],
    'an object with blanks kept inside its strings': ['{"a b" : "c  d"}', '{"a b":"c  d"}'],
    'an object with as few escapes as can be': [
      '{"a":"\\u003ctag\\u003e \\u0026 \\/ \\n"}',
      '{"a":"<tag> & / \\n"}',
    ],
    'an object with the last of two equal keys': ['{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    'an object with keys that objects have by birth': [
      '{"__proto__":{"a":1},"constructor":2,"toString":3}',
      '{"__proto__":{"a":1},"constructor":2,"toString":3}',
    ],
    'an empty object': ['{ }', '{}'],
    'an empty array': ['[ ]', '[]'],
    'an array of all kinds': ['["a",1.50,true,null,{},[]]', '["a",1.50,true,null,{},[]]'],
    'half a surrogate pair, escaped inside an object': ['{"a":"\\ud800"}', '{"a":"\\ud800"}'],
  };
  it.each(Object.entries(rows))('%s', (_, [json, value]) => {
    expect(text(json)).toBe(value);
  });
});

describe('what is no JSON', () => {
  it.each(['', ' ', '{', '[1,]', '{"a":}', "{'a':1}", '01', 'NaN', '"\n"', '"a', '{"a":1}x', '<html>'])(
    'has no value: %j',
    (json) => {
      expect(parseJson(json)).toBeUndefined();
    },
  );

  it('is refused when it is nested deeper than any secret', () => {
    expect(parseJson('['.repeat(100) + ']'.repeat(100))).toBeDefined();
    expect(parseJson('['.repeat(1000) + ']'.repeat(1000))).toBeUndefined();
    expect(parseJson('{"a":'.repeat(1e5) + '1' + '}'.repeat(1e5))).toBeUndefined();
  });
});

describe('looking into a value', () => {
  const answer = parseJson('{"data":{"ttl":3600,"errors":["a"],"none":null,"text":"1"}}');

  it('follows keys', () => {
    expect(at(answer, 'data', 'errors')).toEqual(['a']);
    expect(at(answer, 'data', 'none')).toBeNull();
  });

  it('finds nothing where there is nothing', () => {
    expect(at(answer, 'data', 'ttl', 'seconds')).toBeUndefined();
    expect(at(answer, 'constructor')).toBeUndefined();
    expect(at(answer, 'data', 'errors', '0')).toBeUndefined();
    expect(at(undefined, 'data')).toBeUndefined();
  });

  it('reads numbers, and only numbers', () => {
    expect(numberAt(answer, 'data', 'ttl')).toBe(3600);
    expect(numberAt(answer, 'data', 'text')).toBeUndefined();
    expect(numberAt(answer, 'data', 'none')).toBeUndefined();
    expect(numberAt(answer, 'data', 'nothing')).toBeUndefined();
  });
});

describe('any JSON', () => {
  it('means the same as before, and is written the same the second time', () => {
    assert(
      property(jsonValue({ maxDepth: 3, stringUnit: 'binary' }), nat(4), (value, indent) => {
        const given = JSON.stringify(value, null, indent);
        const made = written(parseJson(given));
        expect(JSON.parse(made)).toEqual(JSON.parse(given));
        expect(written(parseJson(made))).toBe(made);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps any number of digits', () => {
    assert(
      property(stringMatching(/^-?[1-9][0-9]{0,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?$/), (digits) => {
        expect(text(` [ ${digits} , {"a": ${digits} } ] `)).toBe(`[${digits},{"a":${digits}}]`);
      }),
    );
  });

  it('is read within a time that grows with its length, however many backslashes it has', () => {
    const backslashes = '\\\\'.repeat(500_000);
    expect(text(`{"a":"${backslashes}"}`)?.length).toBe(8 + backslashes.length);
  });

  function written(value: Json | undefined): string {
    if (value === undefined) throw new Error('no JSON');
    return typeof value === 'string' ? JSON.stringify(value) : plain(value);
  }
});

describe('a value up to a length', () => {
  it('is the same text as without one', () => {
    assert(
      property(jsonValue(), (value) => {
        const json = parseJson(JSON.stringify(value)) as Json;
        expect(plainUpTo(json, Infinity)).toBe(plain(json));
        expect(plainUpTo(json, plain(json).length)).toBe(plain(json));
      }),
    );
  });

  it.each([
    ['a string', '"12345"', 4],
    ['an object', '{"a":1}', 6],
    ['a number', '12345', 4],
  ])('is nothing for %s that is longer', (_, text, max) => {
    expect(plainUpTo(parseJson(text) as Json, max)).toBeUndefined();
  });

  it('is not put together to find that out', () => {
    let read = 0;
    const items = new Proxy(Array<Json>(1_000_000).fill('x'), {
      get: (target, key) => {
        read += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
    expect(plainUpTo(items, 100)).toBeUndefined();
    expect(read).toBeLessThan(1_000);
  });
});
