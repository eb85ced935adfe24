import { inspect } from 'node:util';
import { expect, vi } from 'vitest';
import {
  Connection,
  type ConnectionDependencies,
  type LoginMemory,
} from '../../src/sources/vault/connection.ts';
import { VaultError, type Fault } from '../../src/sources/vault/errors.ts';
import { Hidden } from '../../src/sources/vault/hidden.ts';
import { Lockouts } from '../../src/sources/vault/lockout.ts';
import type {
  AppRoleMethod,
  JwtMethod,
  LoginMethod,
  TokenMethod,
  UserPassMethod,
} from '../../src/sources/vault/methods.ts';
import type { Attempt } from '../../src/sources/vault/requests.ts';
import { Server } from '../../src/sources/vault/server.ts';
import { ManualClock } from './vault-clock.ts';
import type { FakeVault } from './vault-fake.ts';

const from = { source: 'Secret vault-prod', revision: '1' };

export const appRole = (changes: Partial<AppRoleMethod> = {}): AppRoleMethod => ({
  kind: 'appRole',
  mount: 'approle',
  roleId: 'role-1',
  secretId: new Hidden('planted-secret-id'),
  wrapped: false,
  ...from,
  ...changes,
});
export const givenToken = (changes: Partial<TokenMethod> = {}): TokenMethod => ({
  kind: 'token',
  token: new Hidden('planted-token'),
  ...from,
  ...changes,
});
export const userPass = (changes: Partial<UserPassMethod> = {}): UserPassMethod => ({
  kind: 'userPass',
  mount: 'userpass',
  username: 'ann',
  password: new Hidden('planted-password'),
  ...from,
  ...changes,
});
/** With a fresh token of a ServiceAccount for each login. */
export const kubernetes = (changes: Partial<JwtMethod> = {}): JwtMethod => ({
  kind: 'kubernetes',
  mount: 'kubernetes',
  role: 'role-1',
  jwt: { serviceAccount: 'vault-login', audiences: ['vault'] },
  source: 'ServiceAccount vault-login',
  revision: 'uid-1',
  ...changes,
});
/** With a token from a Secret. */
export const jwt = (changes: Partial<JwtMethod> = {}): JwtMethod => ({
  kind: 'jwt',
  mount: 'jwt',
  role: 'role-1',
  jwt: new Hidden('planted-jwt'),
  ...from,
  ...changes,
});

export interface Connected {
  readonly connection: Connection;
  readonly server: Server;
  readonly clock: ManualClock;
  /** What was asked: `login 200`, `read Unreachable`. */
  readonly events: string[];
  readonly logged: string[];
  readonly memory: LoginMemory;
  attempt(): Attempt;
  tokenOf(methods?: readonly LoginMethod[]): Promise<string>;
  faultOf(methods: readonly LoginMethod[]): Promise<Fault>;
  /** Ends when so many requests like this have been reported and what follows from them is done. */
  settled(event: string, count?: number): Promise<void>;
  close(): Promise<void>;
}

interface Changes extends Partial<ConnectionDependencies> {
  readonly loginNamespace?: string;
  readonly bundle?: string;
  readonly memory?: LoginMemory;
  readonly clock?: ManualClock;
}

/** A connection to a fake, with a clock that stands still until a test moves it. */
export function connect(fake: Pick<FakeVault, 'address'>, changes: Changes = {}): Connected {
  const { loginNamespace, bundle, clock = new ManualClock(), ...deps } = changes;
  const { memory = { lockouts: new Lockouts(), unwrapped: new Map() }, ...others } = deps;
  const events: string[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string) => void logged.push(inspect([fields, message], { depth: 9 }));
  const all: ConnectionDependencies = {
    random: () => 1,
    fetchTimeoutMs: 10_000,
    onRequest: ({ operation, status, code }) => events.push(`${operation} ${status ?? code}`),
    requestToken: async () => Promise.resolve({ token: new Hidden('planted-fresh-jwt') }),
    log: { info: log, warn: log },
    ...others,
    clock,
  };
  const origin = fake.address;
  const server = new Server({ origin, redirects: [], tls: {}, listed: true }, all, () => {});
  const target = { origin, bundle, ...(loginNamespace !== undefined && { loginNamespace }) };
  const connection = new Connection(target, server, all, memory);
  const { signal } = new AbortController();
  const made: Connected = {
    connection,
    server,
    clock,
    events,
    logged,
    memory,
    attempt: () => ({ startedAt: clock.now(), signal, requests: 0 }),
    tokenOf: async (methods = [appRole()]) =>
      (await connection.session(methods, made.attempt())).grant.token.reveal(),
    faultOf: async (methods) => {
      const error = await connection.session(methods, made.attempt()).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(VaultError);
      return (error as VaultError).fault;
    },
    settled: async (event, count = 1) => {
      const seen = () => events.filter((one) => one.startsWith(event));
      await vi.waitFor(() => expect(seen()).toHaveLength(count), { timeout: 10_000 });
      await new Promise(setImmediate);
    },
    close: async () => {
      await connection.close(AbortSignal.timeout(1_000));
      await server.close();
    },
  };
  return made;
}
