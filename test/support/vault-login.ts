import { inspect } from 'node:util';
import { expect } from 'vitest';
import { parseJson } from '../../src/json/json.ts';
import type { VaultClient } from '../../src/sources/vault/client.ts';
import { VaultError } from '../../src/sources/vault/errors.ts';
import type { Answer } from '../../src/sources/vault/faults.ts';
import { Hidden } from '../../src/sources/vault/hidden.ts';
import { logIn, type RequestToken, type Unwrapped } from '../../src/sources/vault/login.ts';
import type { LoginMethod } from '../../src/sources/vault/methods.ts';
import type { Grant } from '../../src/sources/vault/token.ts';

/** What a server answers; a text as body stands for what is no JSON. */
export function answer(status: number, body: unknown): Answer {
  return { status, body: typeof body === 'string' ? undefined : parseJson(JSON.stringify(body)) };
}

export const errors = (...texts: string[]) => ({ errors: texts });

/** The answer of a login that went well. */
export const welcome = answer(200, {
  auth: { client_token: 'planted-new-token', lease_duration: 3600, renewable: true, policies: ['b', 'a'] },
});

export interface LoginOptions {
  readonly namespace?: string | undefined;
  /** Different answers for different paths. */
  readonly at?: Readonly<Record<string, Answer>>;
  readonly requestToken?: RequestToken;
  readonly unwrapped?: Unwrapped;
}

export interface LoginOutcome {
  /** A Grant, or what was thrown. */
  readonly result: unknown;
  readonly grant: () => Grant;
  /** Path, body and token of each request. */
  readonly asked: readonly Readonly<Record<string, unknown>>[];
  /** The operations that were counted. */
  readonly operations: readonly string[];
}

/** Logs in against a server that gives one answer; tells what it was asked. */
export async function attempt(
  method: LoginMethod,
  given: Answer,
  options: LoginOptions = {},
): Promise<LoginOutcome> {
  const { namespace, at = {}, unwrapped = new Map<string, Promise<Hidden>>() } = options;
  const { requestToken = async () => Promise.resolve({ token: new Hidden('planted-fresh-jwt') }) } = options;
  const asked: Record<string, unknown>[] = [];
  const operations: string[] = [];
  const respond = async (request: Record<string, unknown>): Promise<Answer> => {
    asked.push(request);
    return Promise.resolve(at[String(request['path'])] ?? given);
  };
  const client = (token: Hidden | undefined): VaultClient => ({
    read: async (path) => respond({ path, token: token?.reveal() }),
    write: async (path, body) => respond({ path, body, token: token?.reveal() }),
  });
  const result: unknown = await logIn(method, {
    origin: 'https://vault.example.com:8200',
    namespace,
    signal: new AbortController().signal,
    requestToken,
    unwrapped,
    ask: async (operation, token, request) => {
      operations.push(operation);
      return request(client(token));
    },
  }).catch((error: unknown) => error);
  const grant = (): Grant => {
    if (result instanceof Error) throw result;
    return result as Grant;
  };
  return { result, grant, asked, operations };
}

/** The login failed for this reason and in these words, and gives nothing away. */
export function expectFault(
  { result }: LoginOutcome,
  { reason, says, ...fault }: { reason: string; says: string; [field: string]: unknown },
): void {
  expect(result).toBeInstanceOf(VaultError);
  expect(result).toMatchObject({ code: reason, fault });
  expect((result as VaultError).message).toContain(says);
  expect(inspect(result, { depth: Infinity, showHidden: true })).not.toContain('planted');
}
