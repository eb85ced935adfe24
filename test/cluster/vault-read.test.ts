import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspect } from 'node:util';
import { http } from '../../hack/cluster/http.ts';
import { LIMITS } from '../../src/api/names.ts';
import {
  asker,
  gist,
  startLab,
  target,
  type Asker,
  type TargetOptions,
  type VaultLab,
} from '../support/vault-lab.ts';

/** What reading a path says for everything that can be at the path, asked of a real OpenBao. */

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
    });
  });

  it('without any key', async () => {
    await lab.put('secret/data/empty', {});
    expect(gist(await asking.ask(at('secret/data/empty')))).toEqual({});
  });
});

interface Row {
  readonly prepare?: () => Promise<unknown>;
  readonly path: string;
  readonly changes?: () => Partial<TargetOptions>;
  readonly reason: string;
  readonly says: RegExp;
}

describe('a path', () => {
  const rows: Record<string, Row> = {
    'with a deleted version is SourceDeleted': {
      prepare: async () => {
        await lab.put('secret/data/deleted', { a: 'planted' });
        await lab.admin('DELETE', 'secret/data/deleted');
      },
      path: 'secret/data/deleted',
      reason: 'SourceDeleted',
      says: /is deleted: undelete it.*\/v1\/secret\/data\/deleted answered HTTP 404/,
    },
    'with a destroyed version is SourceDeleted': {
      prepare: async () => {
        await lab.put('secret/data/destroyed', { a: 'planted' });
        await lab.admin('POST', 'secret/destroy/destroyed', { versions: [1] });
      },
      path: 'secret/data/destroyed',
      reason: 'SourceDeleted',
      says: /is destroyed: write a new version.*HTTP 404/,
    },
    'without a secret is PathNotFound': {
      path: 'secret/data/missing',
      reason: 'PathNotFound',
      says: /there is no secret at this path.*HTTP 404/,
    },
    'whose metadata were deleted is PathNotFound': {
      prepare: async () => {
        await lab.put('secret/data/gone', { a: 'planted' });
        await lab.admin('DELETE', 'secret/metadata/gone');
      },
      path: 'secret/data/gone',
      reason: 'PathNotFound',
      says: /there is no secret/,
    },
    'that is a folder is PathNotFound': {
      prepare: () => lab.put('secret/data/folder/leaf', { a: 'planted' }),
      path: 'secret/data/folder',
      reason: 'PathNotFound',
      says: /there is no secret/,
    },
    'in KV version 1 is NotKVv2': {
      prepare: () => lab.admin('POST', 'old/data/app', { a: 'planted' }),
      path: 'old/data/app',
      reason: 'NotKVv2',
      says: /"old" is not the mount of a KV version 2 engine.*HTTP 200/,
    },
    'in KV version 1 that looks like version 2 is NotKVv2': {
      prepare: () => lab.admin('POST', 'old/data/tricky', { data: { a: 'planted' } }),
      path: 'old/data/tricky',
      reason: 'NotKVv2',
      says: /KV version 2/,
    },
    'missing in KV version 1 is NotKVv2 too': {
      path: 'old/data/missing',
      reason: 'NotKVv2',
      says: /"old" is not the mount of a KV version 2 engine.*HTTP 404/,
    },
    'with data before the end of the mount is PathNotFound': {
      prepare: () => lab.admin('POST', 'sys/mounts/deep/kv', { type: 'kv', options: { version: '2' } }),
      path: 'deep/data/kv/app',
      changes: () => ({ token: lab.bao.rootToken }),
      reason: 'PathNotFound',
      says: /no secrets engine is mounted at "deep"/,
    },
    'with data behind the beginning of the secret is NotKVv2': {
      path: 'secret/team/data/app',
      changes: () => ({ token: lab.bao.rootToken }),
      reason: 'NotKVv2',
      says: /"secret\/team" is not the mount of a KV version 2 engine.*HTTP 404/,
    },
    'without a mount is PathNotFound for whoever may know': {
      path: 'none/data/app',
      changes: () => ({ token: lab.bao.rootToken }),
      reason: 'PathNotFound',
      says: /no secrets engine is mounted at "none".*HTTP 404/,
    },
    'without a mount is PermissionDenied for whoever may not': {
      path: 'elsewhere/data/app',
      reason: 'PermissionDenied',
      says: /grant it `read`.*HTTP 403/,
    },
    'that no policy allows is PermissionDenied': {
      prepare: () => lab.admin('POST', 'sys/mounts/closed', { type: 'kv', options: { version: '2' } }),
      path: 'closed/data/app',
      reason: 'PermissionDenied',
      says: /grant it `read`.*\/v1\/closed\/data\/app answered HTTP 403/,
    },
    'in a namespace that does not exist is NamespaceNotFound for an AppRole': {
      path: 'secret/data/app',
      changes: () => ({ namespace: 'nowhere' }),
      reason: 'NamespaceNotFound',
      says: /correct spec.namespace.*in namespace nowhere answered HTTP 404/,
    },
    'in a namespace that does not exist is NamespaceNotFound for a token': {
      path: 'secret/data/app',
      changes: () => ({ namespace: 'nowhere', token: lab.bao.rootToken }),
      reason: 'NamespaceNotFound',
      says: /correct spec.namespace/,
    },
  };
  it.each(Object.entries(rows))('%s', async (_, { prepare, path, changes, reason, says }) => {
    await prepare?.();
    const given = changes?.() ?? {};
    const answer = await asking.ask(
      given.token === undefined ? at(path, given) : target({ host: lab.proxy.address, path, ...given }),
    );
    expect(answer).toMatchObject({ kind: 'failed', reason, retryAfterMs: expect.any(Number) });
    const message = answer.kind === 'failed' ? answer.message : '';
    expect(message).toMatch(says);
    expect(message).toContain(lab.proxy.address);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.messageBytes);
    const everything = inspect([answer, asking.logged, asking.requests], {
      depth: Infinity,
      showHidden: true,
    });
    for (const planted of ['planted', role.secretId, lab.bao.rootToken])
      expect(everything).not.toContain(planted);
  });

  it('is the same message every time', async () => {
    const messages = new Set<unknown>();
    for (let round = 0; round < 3; round += 1) {
      const answer = await asking.ask(at('secret/data/missing'));
      messages.add(answer.kind === 'failed' && answer.message);
      asking.clock.advance(60_000);
    }
    expect(messages.size).toBe(1);
  });
});

describe('a path that is repaired', () => {
  it('is read again after the policy was restored, without a new login', async () => {
    await lab.put('secret/data/policy', { a: 'b' });
    await lab.policy('reader2', 'secret/data/policy');
    const reader = await lab.appRole('reader2', { token_policies: ['reader2'] });
    const of = at('secret/data/policy', { appRole: reader });
    expect(gist(await asking.ask(of))).toEqual({ a: 'b' });
    await lab.policy('reader2', 'secret/data/other');
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(of))).toBe('PermissionDenied');
    await lab.policy('reader2', 'secret/data/policy');
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(of))).toEqual({ a: 'b' });
    expect(asking.requests).toEqual(['login 200', 'read 200', 'read 403', 'lookup-self 200', 'read 200']);
    expect(asking.recovered).toEqual(['vault-prod']);
  });

  it('is read again after it was undeleted', async () => {
    await lab.put('secret/data/undeleted', { a: 'b' });
    await lab.admin('DELETE', 'secret/data/undeleted');
    expect(gist(await asking.ask(at('secret/data/undeleted')))).toBe('SourceDeleted');
    await lab.admin('POST', 'secret/undelete/undeleted', { versions: [1] });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at('secret/data/undeleted')))).toEqual({ a: 'b' });
  });

  it('is read again after it was written', async () => {
    expect(gist(await asking.ask(at('secret/data/late')))).toBe('PathNotFound');
    await lab.put('secret/data/late', { a: 'b' });
    asking.clock.advance(5_000);
    expect(gist(await asking.ask(at('secret/data/late')))).toEqual({ a: 'b' });
    expect(asking.recovered).toEqual(['vault-prod']);
  });
});

describe('a HashiCorp namespace', () => {
  it.each(['team-a', 'team-a/'])('is where login and read happen: %s', async (namespace) => {
    const exists = await http(`${lab.bao.address}/v1/sys/namespaces/team-a`, {
      headers: { 'x-vault-token': lab.bao.rootToken },
    });
    if (exists.status === 404) {
      await lab.admin('POST', 'sys/namespaces/team-a', {});
      await lab.admin('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } }, 'team-a');
      await lab.admin(
        'PUT',
        'sys/policies/acl/reader',
        { policy: 'path "secret/data/*" { capabilities = ["read"] }' },
        'team-a',
      );
      await expect
        .poll(async () => {
          const url = `${lab.bao.address}/v1/secret/data/app`;
          const headers = { 'x-vault-token': lab.bao.rootToken, 'x-vault-namespace': 'team-a' };
          return (await http(url, { method: 'POST', headers, body: { data: { team: 'a' } } })).status;
        })
        .toBe(200);
    }
    const token = await lab.admin('POST', 'auth/token/create', { policies: ['reader'] }, 'team-a');
    const of = target({
      host: lab.proxy.address,
      namespace,
      token: token.body.auth?.client_token ?? '',
      path: 'secret/data/app',
    });
    const answer = await asking.ask(of);
    expect(gist(answer)).toEqual({ team: 'a' });
    expect(answer.kind === 'fields' && answer.location).toBe(
      `${lab.proxy.address}/v1/secret/data/app in namespace team-a`,
    );
  });
});
