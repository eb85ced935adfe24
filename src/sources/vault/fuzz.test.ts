import * as fc from 'fast-check';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { health, login, ok, secret, startFake, type FakeVault } from '../../../test/support/vault-fake.ts';
import { ALLOWED, asker, credentials } from '../../../test/support/vault-lab.ts';
import { LIMITS } from '../../api/names.ts';
import type { VaultIntegrationSpec } from '../../api/vault-integration.ts';
import type { VaultAnswer } from './source.ts';
import { vaultTarget, type VaultTarget } from './target.ts';

/** No word of ours has it, so that wherever it shows up, it came out of a body or a credential. */
const PLANTED = 'pLaNtEd';

let fake: FakeVault;

beforeAll(async () => {
  fake = await startFake();
});
afterAll(async () => fake.close());

type Reply = Parameters<FakeVault['on']>[1];

/** The requests that a server can answer as it likes, and what a good one answers; what comes later wins. */
const GOOD = {
  '/data/': secret({ [PLANTED]: PLANTED }),
  '/login': login(`${PLANTED}-token`),
  'lookup-self': ok({ data: { ttl: 60, renewable: true, policies: [PLANTED] } }),
  'sys/internal/ui/mounts': ok({ data: { type: 'kv', path: 'secret/', options: { version: '2' } } }),
  '/metadata/': ok({ data: { keys: [PLANTED] } }),
  'sys/health': health(),
  'sys/wrapping/unwrap': ok({ data: { secret_id: PLANTED } }),
  'auth/token/create': login(`${PLANTED}-child`, 60, false),
  'revoke-self': { status: 204 },
} as const satisfies Record<string, Reply>;
type Part = keyof typeof GOOD;
const PARTS = Object.keys(GOOD) as Part[];

const planted = fc.string({ maxLength: 12 }).map((text) => `${PLANTED}${text}`);
/** The words that the answers of a Vault are made of, so that arbitrary ones come near to real ones. */
const word = fc.constantFrom(
  ...['data', 'metadata', 'auth', 'errors', 'warnings', 'keys', 'type', 'path', 'options', 'version'],
  ...['client_token', 'lease_duration', 'renewable', 'policies', 'ttl', 'sealed', 'standby', 'destroyed'],
  ...['deletion_time', 'secret_id', 'wrap_info', 'toString', 'constructor'],
);
const leaf = fc.oneof(
  planted,
  fc.constantFrom(null, true, false, 0, 1, -1, 1e21, 'kv', 'secret/', '2', '1', ''),
);
const { body: tree } = fc.letrec((tie) => ({
  body: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('body'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(word, planted), tie('body'), { maxKeys: 5 }),
  ),
}));
/** What a Vault could say, with a place for anything. */
const nearly = fc.oneof(
  tree.map((data) => ({ data })),
  fc.record({ data: fc.record({ data: tree, metadata: tree }) }),
  fc.record({
    auth: fc.record({ client_token: planted, lease_duration: leaf, renewable: leaf, policies: tree }),
  }),
  fc.array(planted, { maxLength: 3 }).map((errors) => ({ errors })),
  fc.record({
    data: fc.record({ type: planted, path: fc.constantFrom('secret/', 'secret/data/'), options: tree }),
  }),
  fc.record({ sealed: leaf, version: planted }),
);
const text = fc.oneof(
  fc.oneof(tree, nearly).map((value) => JSON.stringify(value)),
  fc.oneof(tree, nearly).map((value) => JSON.stringify(value).slice(0, -1)),
  planted.map((words) => `<html>${words}</html>`),
  fc.constantFrom('', '{', '[', 'null', '1e999999', '"\\ud800"', '{"__proto__":{"data":1}}'),
);
const status = fc.oneof(
  fc.constantFrom(200, 200, 200, 204, 307, 400, 401, 403, 404, 405, 429, 473, 500, 502, 503),
  fc.integer({ min: 200, max: 599 }),
);
const headers = fc.constantFrom<Record<string, string>>(
  {},
  {},
  { 'retry-after': '1' },
  { 'retry-after': PLANTED },
  { location: `https://${PLANTED}.example/${PLANTED}` },
  { 'content-type': PLANTED },
);
const failure = fc
  .record({ errors: fc.array(planted, { maxLength: 3 }) })
  .map((body) => JSON.stringify(body));
const kind = fc.constant('answer' as const);
const odd = fc.oneof(
  fc.record({ kind, status, body: text, headers }),
  fc.record({ kind, status, body: failure, headers }),
);
/** One or two requests are answered oddly, the others well, so that all of them are reached. */
const replies = fc.dictionary(fc.constantFrom(...PARTS), odd, { minKeys: 1, maxKeys: 3 });

const AUTHS: VaultIntegrationSpec['auth'][] = [
  { appRole: { roleId: 'role-1', secretIdRef: { name: 'login', key: 'a' } } },
  { appRole: { roleId: 'role-1', secretIdRef: { name: 'login', key: 'a' }, wrapped: true } },
  { token: { secretRef: { name: 'login', key: 'a' } } },
  { userPass: { username: 'ann', passwordRef: { name: 'login', key: 'a' } } },
  { jwt: { role: 'r', secretRef: { name: 'login', key: 'a' } } },
];
const all: VaultIntegrationSpec['auth'] = Object.assign({}, ...AUTHS);

const question = fc.record({
  auth: fc.constantFrom(...AUTHS, all),
  scopedTokens: fc.constantFrom<Question['scopedTokens'][]>(undefined, { policies: ['app'] }),
  version: fc.constantFrom(undefined, 2),
});
interface Question extends Pick<VaultIntegrationSpec, 'auth'> {
  readonly scopedTokens: VaultIntegrationSpec['scopedTokens'];
  readonly version: number | undefined;
}

function make({ version, scopedTokens, auth }: Question): VaultTarget {
  const host = fake.address;
  const spec = { displayName: 'v', host, path: 'secret/data/app', domains: ['*'], auth };
  const made = vaultTarget(
    { name: 'vault-prod', spec: { ...spec, ...(scopedTokens && { scopedTokens }) } },
    {
      secret: () => credentials(host, { a: `${PLANTED}-credential` }),
      serviceAccount: () => undefined,
      configMap: () => undefined,
    },
    { ...ALLOWED, vaultHosts: [host] },
    { version },
  );
  if (made.kind === 'failed') throw new Error(made.message);
  return made;
}

/** What may be shown: all but the values that were asked for, and what Vault calls the type of a mount. */
function shown(answer: VaultAnswer): unknown {
  if (answer.kind === 'fields') return { ...answer, fields: undefined };
  if (answer.kind === 'later') return answer;
  return { ...answer, message: answer.message.replaceAll(/of type "(?:[^"\\]|\\.)*"/g, '') };
}

describe('whatever a server answers', () => {
  it('nothing throws, and nothing of a body or a credential is shown or logged', async () => {
    const outcomes = new Set<string>();
    const property = async (asked: Question, answers: Partial<Record<Part, Reply>>) => {
      for (const part of PARTS) fake.on(part, answers[part] ?? GOOD[part]);
      const asking = asker({ random: () => 0 });
      const target = make(asked);
      const seen: unknown[] = [];
      // The second time with a token that may be dead or outdated, or after a failure.
      for (const pauseMs of [0, 10_000]) {
        asking.clock.advance(pauseMs);
        const answer = await asking.once(target);
        const inspection = await asking.source.inspect(target, true, new AbortController().signal);
        seen.push(shown(answer), inspection);
        outcomes.add(answer.kind === 'failed' ? answer.reason : answer.kind);
        const size = answer.kind === 'failed' ? Buffer.byteLength(answer.message) : 0;
        expect(size).toBeLessThanOrEqual(LIMITS.messageBytes);
      }
      await asking.close();
      const options = {
        depth: Infinity,
        showHidden: true,
        maxStringLength: Infinity,
        maxArrayLength: Infinity,
      };
      expect(inspect([seen, asking.logged, asking.requests], options).includes(PLANTED)).toBe(false);
    };
    await fc.assert(fc.asyncProperty(question, replies, property), { numRuns: 600 });
    // It got somewhere: not every body ends at the first check. Which ends chance reaches differs from run to run.
    expect([...outcomes]).toEqual(expect.arrayContaining(['fields', 'Unreachable']));
    expect(outcomes.size).toBeGreaterThanOrEqual(5);
  }, 120_000);
});
