import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  asker,
  gist,
  startLab,
  target,
  type Asker,
  type TargetOptions,
  type VaultLab,
} from '../support/vault-lab.ts';

/** What a real OpenBao holds arrives as it is held. */

let lab: VaultLab;
let asking: Asker;
let role: { roleId: string; secretId: string };

beforeAll(async () => {
  lab = await startLab();
  await lab.policy('reader', 'secret/data/*', 'old/*', 'none/*', 'sys/internal/ui/mounts/*');
  role = await lab.appRole('reader', { token_policies: ['reader'] });
  await lab.admin('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
});
afterAll(() => lab.close());
beforeEach(() => {
  asking = asker();
});
afterEach(() => asking.close());

const at = (path: string, changes: Partial<TargetOptions> = {}) =>
  target({ host: lab.proxy.address, appRole: role, path, ...changes });

/** Writes JSON as it stands here, so that no number is rounded on its way in. */
async function putText(path: string, json: string): Promise<void> {
  const { status } = await postText(`${lab.bao.address}/v1/${path}`, `{"data":${json}}`);
  expect(status).toBe(200);
}

async function postText(url: string, body: string): Promise<{ status: number }> {
  return fetch(url, { method: 'POST', body, headers: { 'x-vault-token': lab.bao.rootToken } });
}

describe('a value arrives byte for byte', () => {
  const strings: Record<string, string> = {
    'plain text': 'hunter2',
    'a newline': 'first\nsecond\r\n',
    quotes: `"double" and 'single' and \`back\``,
    'a dollar': '$HOME ${HOME} $(id)',
    'a backslash': '\\n \\\\ \\',
    emoji: '🔑 é 日本 \u{1F468}\u200D\u{1F469}',
    'leading and trailing blanks': '  \t x \t ',
    'what HTML would escape': '<script>&amp;</script>',
    'an empty value': '',
    'separators of JavaScript': 'a\u2028b\u2029c',
    'a byte order mark': '\ufeffx',
    'control characters': '\u0001\u0007\u001b[31m\u007f',
    'a replacement character': '\ufffd',
    'a PEM': '-----BEGIN KEY-----\nMIIB+/==\n-----END KEY-----\n',
    'text that looks like JSON': '{"a": 1.0}',
    'text that looks like a number': '007',
    '100 kB': 'x'.repeat(100_000),
  };

  it('for any text', async () => {
    await lab.put('secret/data/strings', strings);
    const answer = await asking.ask(at('secret/data/strings'));
    expect(gist(answer)).toEqual(strings);
  });

  it('for keys that are hard to hold', async () => {
    const keys = '{"__proto__":"a","constructor":"b","with space":"c","ü.$":"d","10":"e","2":"f","":"g"}';
    await putText('secret/data/keys', keys);
    const answer = await asking.ask(at('secret/data/keys'));
    expect(answer.kind === 'fields' && Object.fromEntries(answer.fields)).toEqual(
      Object.fromEntries([
        ['__proto__', 'a'],
        ['constructor', 'b'],
        ['with space', 'c'],
        ['ü.$', 'd'],
        ['10', 'e'],
        ['2', 'f'],
        ['', 'g'],
      ]),
    );
    expect(answer.kind === 'fields' && answer.fields.get('__proto__')).toBe('a');
  });

  /** OpenBao itself rounds numbers to doubles when they are written; what it holds is not rounded once more. */
  const texts: Record<string, [json: string, text: string]> = {
    'an exponent': ['81111e1', '811110'],
    'a large exponent': ['1e21', '1e+21'],
    'the largest integer': ['9007199254740991', '9007199254740991'],
    'a negative zero': ['-0', '-0'],
    'a fraction': ['0.1', '0.1'],
    true: ['true', 'true'],
    false: ['false', 'false'],
    null: ['null', 'null'],
    'an object': ['{"b": 1.5, "a": [1, "x", null]}', '{"a":[1,"x",null],"b":1.5}'],
    'an object with keys like numbers': ['{"10": 1, "2": 2, "1": 3}', '{"1":3,"10":1,"2":2}'],
    'an array': ['[ 9007199254740991, { }, [ ] ]', '[9007199254740991,{},[]]'],
    'a nested text with HTML': ['{"a":"<b> & \\"c\\""}', '{"a":"<b> & \\"c\\""}'],
  };
  it.each(Object.entries(texts))('for %s as its JSON text', async (_, [json, text]) => {
    await putText('secret/data/texts', `{"value":${json}}`);
    expect(gist(await asking.ask(at('secret/data/texts')))).toEqual({ value: text });
  });

  it('for numbers that the server holds exactly, as HashiCorp Vault does', async () => {
    const data = '{"a":9007199254740993,"b":1.0,"c":81111e1,"d":1e400,"e":{"x":[1.0, 9007199254740993]}}';
    const body = `{"data":{"data":${data},"metadata":{"destroyed":false,"version":1}}}`;
    lab.proxy.intercept = ({ path }) =>
      path.includes('/data/exact') ? { kind: 'answer', status: 200, body } : undefined;
    expect(gist(await asking.ask(at('secret/data/exact')))).toEqual({
      a: '9007199254740993',
      b: '1.0',
      c: '81111e1',
      d: '1e400',
      e: '{"x":[1.0,9007199254740993]}',
    });
    lab.proxy.intercept = undefined;
  });

  it('from a path that needs encoding', async () => {
    await lab.admin('POST', 'secret/data/a%20b/%C3%BC%2B%26%3D%3B', { data: { a: 'b' } });
    expect(gist(await asking.ask(at('/v1/secret/data/a b/ü+&=;')))).toEqual({ a: 'b' });
  });

  it('from a path that speaks of health', async () => {
    expect(gist(await asking.ask(at('secret/data/sys/health')))).toBe('PathNotFound');
  });

  it('with version and place', async () => {
    await lab.put('secret/data/versions', { a: '1' });
    await lab.put('secret/data/versions', { a: '2' });
    expect(await asking.ask(at('/v1/secret/data/versions'))).toEqual({
      kind: 'fields',
      location: `${lab.proxy.address}/v1/secret/data/versions`,
      fields: new Map([['a', '2']]),
      version: 2,
      authMethod: 'appRole',
      passed: [],
    });
  });

  it('without any key', async () => {
    await lab.put('secret/data/empty', {});
    expect(gist(await asking.ask(at('secret/data/empty')))).toEqual({});
  });
});
