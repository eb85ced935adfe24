import { describe, expect, it } from 'vitest';
import { kubeError, scriptedApi } from '../test-support.ts';
import { domainOf, oneKey } from './domain.ts';
import { keyTable, listKeys, type SecretKey } from './list.ts';
import { isMissing } from './resource.ts';
import { writeKey } from './set.ts';

const KEYS = '/apis/keys.fairlead.dev/v1alpha1/namespaces/team-a/secretkeys';
const ONE = `${KEYS}/kubernetes%3Amarketing%3Adb`;
const DISCOVERY = 'GET /apis/keys.fairlead.dev/v1alpha1';
const WISH = { domain: 'marketing', key: 'db', value: 's3cret', dryRun: false };
const INSTALLED = { [DISCOVERY]: { kind: 'APIResourceList' } };

const key = (name: string, type = 'VAULT', id = 'v'): SecretKey => ({
  metadata: { name: `${type.toLowerCase()}:${id}:${name}`, namespace: 'team-a' },
  spec: { secret: { key: name, source: { type, id } } },
});
const failed = async (promise: Promise<unknown>) => promise.catch((error: unknown) => error as Error);

describe('set', () => {
  it('creates a key', async () => {
    const { api, asked } = scriptedApi({ [`POST ${KEYS}`]: {} });
    expect(await writeKey(api, WISH)).toBe('created');
    expect(asked[0]).toMatchObject({
      query: { dryRun: undefined },
      body: {
        ...{ apiVersion: 'keys.fairlead.dev/v1alpha1', kind: 'SecretKey' },
        metadata: { name: 'kubernetes:marketing:db', namespace: 'team-a' },
        spec: { secret: { key: 'db', source: { type: 'KUBERNETES', id: 'marketing' } }, value: 's3cret' },
      },
    });
  });

  it('replaces a value that is there, and passes a dry run on', async () => {
    const { api, asked } = scriptedApi({
      [`POST ${KEYS}`]: kubeError('AlreadyExists', 409),
      [`PUT ${ONE}`]: {},
    });
    expect(await writeKey(api, { ...WISH, dryRun: true })).toBe('updated');
    expect(asked.map(({ method, query }) => [method, query])).toEqual([
      ['POST', { dryRun: 'All' }],
      ['PUT', { dryRun: 'All' }],
    ]);
  });

  it.each([
    ['the API is not there', {}, kubeError('NotFound', 404), 'is not installed'],
    ['the API is not there, which RBAC hides', {}, kubeError('Forbidden', 403), 'is not installed'],
    [
      'a right is missing',
      INSTALLED,
      kubeError('Forbidden', 403, 's3cret'),
      'the verb write on domains.fairlead.dev/marketing',
    ],
    ['the value is refused', INSTALLED, kubeError('Invalid', 422, 's3cret'), 'key or value are not valid'],
    ['the server fails', INSTALLED, kubeError('ServerError', 500, 's3cret'), 'call: ServerError'],
  ])('says that %s, without the words of the server', async (_, answers, error, message) => {
    const { api } = scriptedApi({ ...answers, [`POST ${KEYS}`]: error });
    const told = (await failed(writeKey(api, WISH))) as Error;
    expect(told.message).toContain(message);
    expect(told.message).not.toContain('s3cret');
  });

  it.each([
    ['no key', [], 'which key?'],
    ['a second argument', ['db', 's3cret'], 'never'],
    ['a key with a slash', ['a/s3cret'], 'letters, digits'],
    ['dots', ['..'], 'letters, digits'],
  ])('refuses %s, and quotes nothing', (_, args, message) => {
    let told = '';
    try {
      oneKey(args, 'the value is never an argument');
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toContain(message);
    expect(told).not.toContain('s3cret');
  });
});

describe('the domain', () => {
  const namespace = (labels?: object) => ({ 'GET /api/v1/namespaces/team-a': { metadata: { labels } } });
  it.each([
    [
      'is the label of the namespace',
      namespace({ 'fairlead.dev/domain': 'marketing' }),
      undefined,
      'marketing',
    ],
    ['is what the flag says', {}, 'finance', 'finance'],
  ])('%s', async (_, answers, given, domain) => {
    expect(await domainOf(scriptedApi(answers).api, given)).toBe(domain);
  });

  it.each([
    [
      'may not be seen',
      { 'GET /api/v1/namespaces/team-a': kubeError('Forbidden', 403) },
      'needs get namespaces); name it with --domain',
    ],
    ['is nowhere', {}, 'there is no namespace "team-a"'],
    ['is not set', namespace(), 'has no label fairlead.dev/domain'],
  ])('that %s is asked for', async (_, answers, message) => {
    expect((await failed(domainOf(scriptedApi(answers).api, undefined))) as Error).toMatchObject({
      message: expect.stringContaining(message),
    });
  });
});

describe('keys', () => {
  it('are listed page by page, with selectors for the server', async () => {
    const pages: unknown[] = [
      { items: [key('a')], metadata: { continue: 'next' } },
      { items: [key('b')], metadata: {} },
    ];
    const queries: unknown[] = [];
    const api = {
      list: async <T>(_resource: unknown, _namespace: unknown, query: unknown): Promise<T> => {
        queries.push(query);
        return pages.shift() as T;
      },
    };
    const found = await listKeys(api, 'team-a', { type: 'VAULT', id: 'v' });
    expect(found.map(({ spec }) => spec.secret.key)).toEqual(['a', 'b']);
    const fieldSelector = 'source.type=VAULT,source.id=v';
    expect(queries).toEqual([
      { limit: 500, continue: undefined, fieldSelector },
      { limit: 500, continue: 'next', fieldSelector },
    ]);
  });

  it('are a table', () => {
    expect(keyTable([key('db', 'KUBERNETES', 'marketing'), key('s3')], true)).toBe(
      [
        'NAMESPACE   KEY   SOURCE       ID',
        'team-a      db    KUBERNETES   marketing',
        'team-a      s3    VAULT        v\n',
      ].join('\n'),
    );
  });
});

describe('an API for keys', () => {
  it.each([
    ['is missing if discovery does not know it', {}, kubeError('Forbidden', 403), true],
    ['is there if discovery knows it', INSTALLED, kubeError('NotFound', 404), false],
    [
      'may be there if discovery does not answer',
      { [DISCOVERY]: kubeError('ServerError', 503) },
      kubeError('NotFound', 404),
      false,
    ],
    ['is not asked about for other failures', {}, kubeError('ServerError', 503), false],
  ])('%s', async (_, answers, error, missing) => {
    expect(await isMissing(scriptedApi(answers).api, error)).toBe(missing);
  });
});
