import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createClient, type ClientOptions } from './client.ts';
import { VaultError } from './errors.ts';
import type { Answer } from './faults.ts';
import { Hidden } from './hidden.ts';
import { parseJson } from '../../json/json.ts';
import type { Transport, TransportRequest } from './transport.ts';

const { signal } = new AbortController();

/** A client over a transport that writes down what it is to send, and gives one answer. */
function setUp(options: Partial<ClientOptions> = {}, answer: Answer = { status: 200, body: new Map() }) {
  const sent: TransportRequest[] = [];
  const transport: Transport = {
    send: (request) => {
      sent.push(request);
      return Promise.resolve(answer);
    },
    renew: () => {},
    destroy: () => Promise.resolve(),
  };
  return { sent, client: createClient({ transport, origin: 'https://vault:8200', ...options }) };
}

afterEach(() => vi.unstubAllEnvs());

describe('a read', () => {
  it('goes to the path below /v1/ with token and namespace', async () => {
    const { client, sent } = setUp({ token: new Hidden('t-1'), namespace: 'team-a' });
    await client.read('secret/data/app', signal);
    expect(sent).toMatchObject([
      {
        method: 'GET',
        uri: 'https://vault:8200/v1/secret/data/app',
        headers: { 'X-Vault-Token': 't-1', 'X-Vault-Namespace': 'team-a' },
        signal,
      },
    ]);
    expect(sent[0]?.json).toBeUndefined();
  });

  it('keeps an encoded path as it is', async () => {
    const { client, sent } = setUp();
    await client.read('secret/data/a%26%23x2F%3Bb%20c', signal);
    expect(sent[0]?.uri).toBe('https://vault:8200/v1/secret/data/a%26%23x2F%3Bb%20c');
  });

  it('gives the answer, its numbers as they were written', async () => {
    const body = parseJson('{"data":{"n":9007199254740993}}');
    const answer: Answer = { status: 200, body: body ?? null };
    expect(await setUp({}, answer).client.read('x', signal)).toBe(answer);
  });

  it.each([204, 301, 400, 403, 404, 405, 429, 472, 500, 503])(
    'gives the answer for status %d too',
    async (status) => {
      const answer: Answer = { status, body: parseJson('{"errors":["planted"]}'), retryAfterMs: 5 };
      expect(await setUp({}, answer).client.read('x', signal)).toBe(answer);
    },
  );

  it('does not take an error for health because of a name in the path', async () => {
    const answer: Answer = { status: 404, body: undefined };
    expect(await setUp({}, answer).client.read('secret/data/sys/health', signal)).toBe(answer);
  });

  it('throws what the transport throws', async () => {
    const error = new VaultError({ reason: 'Unreachable', scope: 'connection', what: 'down' });
    const transport = { send: () => Promise.reject(error) } as unknown as Transport;
    await expect(setUp({ transport }).client.read('x', signal)).rejects.toBe(error);
  });
});

describe('a write', () => {
  it('posts its body', async () => {
    const { client, sent } = setUp();
    await client.write('auth/approle/login', { role_id: 'r', secret_id: 's' }, signal);
    expect(sent).toMatchObject([
      {
        method: 'POST',
        uri: 'https://vault:8200/v1/auth/approle/login',
        json: { role_id: 'r', secret_id: 's' },
        signal,
      },
    ]);
  });

  it('leaves the token of its client alone, whatever token the answer has', async () => {
    const body = parseJson('{"auth":{"client_token":"t-2"}}') ?? null;
    const { client, sent } = setUp({ token: new Hidden('t-1') }, { status: 200, body });
    await client.write('auth/token/renew-self', {}, signal);
    await client.read('secret/data/app', signal);
    expect(sent.map(({ headers }) => headers?.['X-Vault-Token'])).toEqual(['t-1', 't-1']);
  });
});

describe('the environment', () => {
  it('has no say: VAULT_* is ignored', async () => {
    const variables = {
      VAULT_ADDR: 'https://evil.example',
      VAULT_TOKEN: 'planted',
      VAULT_NAMESPACE: 'planted',
      VAULT_PREFIX: '/planted',
      VAULT_SKIP_VERIFY: 'true',
    };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const { client, sent } = setUp();
    await client.read('secret/data/app', signal);
    expect(sent).toEqual([
      {
        method: 'GET',
        uri: 'https://vault:8200/v1/secret/data/app',
        path: '/secret/data/app',
        headers: {},
        signal,
      },
    ]);
  });

  it('cannot make it print what it sends: DEBUG=node-vault', () => {
    const script = `
      const { createClient } = await import(${JSON.stringify(join(import.meta.dirname, 'client.ts'))});
      const { Hidden } = await import(${JSON.stringify(join(import.meta.dirname, 'hidden.ts'))});
      const transport = { send: async () => ({ status: 400, body: new Map() }) };
      const client = createClient({ transport, origin: 'https://vault', token: new Hidden('planted-token') });
      await client.write('auth/approle/login', { secret_id: 'planted' }, new AbortController().signal);
      await client.read('secret/data/planted', new AbortController().signal);
      console.log('done');`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, DEBUG: '*', NODE_DEBUG: '' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(output).toBe('done\n');
  });
});
