import { vi } from 'vitest';
import { startProxy, type ProxyFault, type SeenRequest, type VaultProxy } from './vault-proxy.ts';

type Reply = { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> };
type Handler = (request: SeenRequest) => Reply | ProxyFault;

/** A server that answers like Vault what a test tells it to, for what a real one cannot be made to do at will. */
export interface FakeVault {
  readonly address: string;
  readonly proxy: VaultProxy;
  /** Answers requests whose path contains `part` from now on; the latest wins. */
  on(part: string, reply: Reply | ProxyFault | Handler): void;
  /** Holds back answers to `part`; the answer lets them go. */
  hold(part: string): () => void;
  /** Ends when `count` requests for `part` have arrived. */
  arrived(part: string, count?: number): Promise<void>;
  count(part?: string): number;
  close(): Promise<void>;
}

export const ok = (body: unknown): Reply => ({ status: 200, body });
export const refused = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });
export const policyDenial = refused(403, '1 error occurred:\n\t* permission denied\n\n');
export const deadToken = refused(403, 'permission denied');
export const secret = (data: Record<string, unknown>, version = 1): Reply =>
  ok({ data: { data, metadata: { created_time: '', deletion_time: '', destroyed: false, version } } });
export const login = (token: string, seconds = 3600, renewable = true): Reply =>
  ok({ auth: { client_token: token, lease_duration: seconds, renewable } });

/** What an active Vault says of itself, or one in another state by its status and the words for it. */
export const health = (status = 200, body: Record<string, unknown> = {}): Reply => ({
  status,
  body: { initialized: true, sealed: false, standby: false, version: '2.7.2', ...body },
});
export const sealedHealth = health(503, { sealed: true });

/** As set up: logins give token-1, token-2 and so on, and every path holds one field. */
export async function startFake(): Promise<FakeVault> {
  const proxy = await startProxy('http://127.0.0.1:1');
  const handlers: { readonly part: string; readonly reply: Reply | ProxyFault | Handler }[] = [];
  const gates = new Map<string, Promise<void>>();
  let logins = 0;
  const fake: FakeVault = {
    address: proxy.address,
    proxy,
    on: (part, reply) => void handlers.unshift({ part, reply }),
    hold: (part) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gates.set(part, promise);
      return () => {
        gates.delete(part);
        resolve();
      };
    },
    arrived: (part, count = 1) =>
      vi.waitFor(
        () => {
          if (proxy.count(part) < count)
            throw new Error(`${proxy.count(part)} of ${count} requests for ${part}`);
        },
        { timeout: 10_000 },
      ),
    count: (part) => proxy.count(part),
    close: () => proxy.close(),
  };
  proxy.intercept = (request) => {
    const { reply = refused(404) } = handlers.find(({ part }) => request.path.includes(part)) ?? {};
    const answer = faultOf(typeof reply === 'function' ? reply(request) : reply);
    const [, gate] = [...gates].find(([part]) => request.path.includes(part)) ?? [];
    return gate ? { kind: 'hold', until: gate, next: answer } : answer;
  };
  fake.on('/data/', secret({ password: 'hunter2' }));
  fake.on('/login', () => login(`token-${(logins += 1)}`));
  fake.on('lookup-self', ok({ data: { ttl: 0, renewable: false } }));
  fake.on('revoke-self', { status: 204 });
  fake.on('sys/health', health());
  return fake;
}

function faultOf(reply: Reply | ProxyFault): ProxyFault {
  if ('kind' in reply) return reply;
  const { status, body, headers } = reply;
  return {
    kind: 'answer',
    status,
    ...(headers && { headers }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}
