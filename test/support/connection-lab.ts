import { inspect } from 'node:util';
import type { StatusError } from '../../src/aggregation/errors.ts';
import type { Caller } from '../../src/aggregation/resource.ts';
import type { ConnectionTestSpec, ConnectionTestStatus } from '../../src/api/connection-test.ts';
import type { VaultIntegrationSpec } from '../../src/api/vault-integration.ts';
import type { World } from '../../src/controllers/world.ts';
import {
  connectionTestsResource,
  type ConnectionTestDependencies,
} from '../../src/keys/connection-tests/index.ts';
import type { AccessQuestion } from '../../src/kube/access-review.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Lab } from './audit-lab.ts';
import { credentials } from './vault-lab.ts';

/** ConnectionTests as the API server passes them on, with a cluster that a test writes. */

export const SYSTEM = 'fairlead-system';
const NO_TOKENS = async () => Promise.resolve({ refused: 'nobody may have one here' });

export interface Settings extends Partial<Omit<ConnectionTestDependencies, 'world' | 'audit'>> {
  /** `use vault-prod`, `create`; absent: everything. */
  readonly rights?: readonly string[];
  readonly integrations?: Readonly<
    Record<string, { readonly spec: Partial<VaultIntegrationSpec>; readonly secrets?: Secrets }>
  >;
}
type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Asked {
  readonly user?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface ConnectionLab {
  readonly audit: Lab;
  readonly logged: string[];
  /** What was asked of the API server: `use vault-prod`. */
  readonly reviewed: string[];
  /** What was looked up in the caches: `credentials login`. */
  readonly read: string[];
  /** Requests to Vault: `login 200`. */
  readonly requests: string[];
  /** The answer of create, or what it throws. */
  ask(spec: ConnectionTestSpec | object, asked?: Asked): Promise<ConnectionTestStatus>;
  /** What is thrown. */
  refused(spec: ConnectionTestSpec | object, asked?: Asked): Promise<StatusError>;
  /** Everything that anybody could read of it. */
  seen(): string;
}

export function connectionLab(settings: Settings = {}): ConnectionLab {
  const { rights, integrations = {}, ...deps } = settings;
  const audit = new Lab();
  const logged: string[] = [];
  const reviewed: string[] = [];
  const read: string[] = [];
  const requests: string[] = [];
  const answers: unknown[] = [];
  const log = (fields: object, message: string) => void logged.push(inspect([fields, message], { depth: 9 }));
  const auditLog = audit.make();
  const resource = connectionTestsResource({
    clock: systemClock,
    random: () => 0.5,
    log: { info: log, warn: log },
    systemNamespace: SYSTEM,
    allowed: { vaultHosts: [], allowHttp: true, tokenAudiences: ['vault'] },
    forbiddenOrigins: [],
    requestToken: NO_TOKENS,
    reviews: {
      allowed: async ({ verb, name = '' }: AccessQuestion) => {
        const right = `${verb} ${name}`.trim();
        reviewed.push(right);
        return Promise.resolve(rights?.includes(right) ?? true);
      },
    },
    onRequest: ({ operation, status, code }) => requests.push(`${operation} ${status ?? code}`),
    ...deps,
    world: worldOf(integrations, read),
    audit: auditLog,
  });
  const caller = (user = 'ann'): Caller => ({ user, groups: ['people'], extra: {} });
  const ask: ConnectionLab['ask'] = async (spec, { user, dryRun = false, signal } = {}) => {
    const answer = await resource.create?.({
      verb: 'create',
      caller: caller(user),
      namespace: 'team-a',
      body: { metadata: {}, spec },
      dryRun,
      fieldSelector: [],
      signal: signal ?? new AbortController().signal,
    });
    answers.push(answer);
    return answer?.object['status'] as ConnectionTestStatus;
  };
  return {
    ...{ audit, logged, reviewed, read, requests, ask },
    refused: async (spec, asked) => {
      const thrown: unknown = await ask(spec, asked).then(
        (status) => new Error(`not refused: ${status.message}`),
        (error: unknown) => error,
      );
      answers.push(inspect(thrown, { depth: 9, showHidden: true }));
      if ((thrown as Error).name !== 'StatusError') throw thrown as Error;
      return thrown as StatusError;
    },
    seen: () => `${JSON.stringify(answers)}${logged.join('\n')}${audit.sink.text}`,
  };
}

function worldOf(integrations: NonNullable<Settings['integrations']>, read: string[]): World {
  const cache = (of: string, objects: Readonly<Record<string, unknown>>) => ({
    get: (key: string) => {
      const name = key.slice(SYSTEM.length + 1);
      read.push(`${of} ${name}`);
      return objects[name];
    },
  });
  const metadata = (name: string) => ({ name, namespace: SYSTEM });
  const secrets = Object.values(integrations).flatMap(({ spec, secrets = {} }) =>
    Object.entries(secrets).map(([name, data]) => [name, credentials(spec.host ?? '', data)] as const),
  );
  const objects = Object.entries(integrations).map(([name, given]) => {
    const spec = { displayName: name, domains: ['*'], path: 'secret/data/app', ...given.spec };
    return [name, { metadata: metadata(name), spec, status: undefined }] as const;
  });
  return {
    integrations: cache('integrations', Object.fromEntries(objects)),
    credentials: cache('credentials', Object.fromEntries(secrets)),
    certificates: cache('certificates', {}),
    serviceAccounts: cache('serviceAccounts', {}),
    configMaps: cache('configMaps', {}),
    namespaces: { get: () => ({ metadata: metadata('team-a'), domain: 'team-a', legacy: false }) },
  } as unknown as World;
}

/** How all steps ended, one word each: `PPSPPPPPP`. */
export function letters({ steps }: ConnectionTestStatus): string {
  return steps.map(({ outcome }) => outcome[0]).join('');
}

export function stepOf({ steps }: ConnectionTestStatus, name: string): string {
  const found = steps.find((step) => step.name === name);
  return `${found?.outcome}: ${found?.message}`;
}
