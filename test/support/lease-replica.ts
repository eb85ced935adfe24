/** Replicas for src/kube/lease.test.ts, each with its own connection to one small API server that knows one Lease. */
import { KubeError, type KubeErrorCode } from '../../src/kube/errors.ts';
import { runAsLeader, type LeaderOptions } from '../../src/kube/lease.ts';
import type { FakeClock } from './fake-clock.ts';

export interface Lease {
  metadata: { name: string; namespace: string; resourceVersion: string };
  spec: {
    holderIdentity: string;
    leaseTransitions: number;
    leaseDurationSeconds: number;
    acquireTime: string;
  };
}

type Options = { signal?: AbortSignal | undefined };

/** The API server's part: optimistic concurrency over one object. */
export class LeaseServer {
  lease: Lease | undefined;
  #version = 0;

  save(body: object): void {
    this.#version += 1;
    const { metadata, spec } = structuredClone(body) as Lease;
    this.lease = { spec, metadata: { ...metadata, resourceVersion: String(this.#version) } };
  }

  /** A client whose connection can be down, can hang, and can lose answers after the request was done. */
  connection() {
    const state = { up: true, hold: undefined as Promise<void> | undefined, requests: 0, loseAnswers: 0 };
    const request = async ({ signal }: Options): Promise<void> => {
      state.requests += 1;
      if (!state.up) throw fail('Unreachable');
      if (!state.hold) return;
      const aborted = Promise.withResolvers<never>();
      signal?.addEventListener('abort', () => aborted.reject(fail('Aborted')));
      await Promise.race([state.hold, aborted.promise]);
    };
    const answer = <T>(): T => {
      if (state.loseAnswers > 0) {
        state.loseAnswers -= 1;
        throw fail('Unreachable');
      }
      return structuredClone(this.lease) as T;
    };
    const client = {
      get: async <T>(_: unknown, __: unknown, options: Options): Promise<T> => {
        await request(options);
        if (!this.lease) throw fail('NotFound');
        return answer<T>();
      },
      create: async <T>(_: unknown, body: object, options: Options): Promise<T> => {
        await request(options);
        if (this.lease) throw fail('AlreadyExists');
        this.save(body);
        return answer<T>();
      },
      replace: async <T>(_: unknown, body: object, options: Options): Promise<T> => {
        await request(options);
        const { resourceVersion } = (body as Lease).metadata;
        if (resourceVersion !== this.lease?.metadata.resourceVersion) throw fail('Conflict');
        this.save(body);
        return answer<T>();
      },
    };
    return Object.assign(state, { client });
  }
}

const fail = (code: KubeErrorCode) => new KubeError({ code, message: code });

/** One replica whose work lasts until it is told to stop. */
export function replica(
  identity: string,
  server: LeaseServer,
  clock: FakeClock,
  rest: Partial<LeaderOptions> = {},
) {
  const seen: string[] = [];
  const stop = new AbortController();
  const connection = server.connection();
  const work = Promise.withResolvers<void>();
  let stillLeader = (): boolean => false;
  let working = false;
  let ended: string | undefined;
  const running = runAsLeader(
    {
      client: connection.client,
      clock,
      random: () => 0,
      namespace: 'sys',
      name: 'fairlead',
      identity,
      onLeader: ({ holder, self }) => seen.push(`leader is ${holder || 'nobody'}${self ? ' (self)' : ''}`),
      onError: (code) => seen.push(`error ${code}`),
      onStarted: async (signal, still) => {
        working = true;
        stillLeader = still;
        seen.push('started');
        signal.addEventListener('abort', () => {
          seen.push('work is told to stop');
          work.resolve();
        });
        await work.promise;
        working = false;
      },
      ...rest,
    },
    stop.signal,
  );
  void running.then(
    () => (ended = 'resolved'),
    (error: unknown) => (ended = error instanceof KubeError ? error.code : (error as Error).message),
  );
  return {
    seen,
    stop,
    connection,
    work,
    stillLeader: () => stillLeader(),
    isWorking: () => working,
    /** `resolved`, or the code of what it rejected with; undefined while it runs. */
    ended: () => ended,
  };
}
