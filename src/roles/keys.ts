import {
  KEYS_AUDIT_LEASE_PREFIX,
  KEYS_AUDIT_LEASES,
  KEYS_CERTIFICATE_SECRET,
  KEYS_GROUP,
  VERSION,
} from '../api/names.ts';
import { extensionApi } from '../aggregation/api.ts';
import type { AuditLog } from '../audit/log.ts';
import { SlotAnchor } from '../audit/slots.ts';
import type { Config } from '../config.ts';
import { observedIntegrations } from '../controllers/observed.ts';
import { expectedPolicies, PolicyGuard } from '../controllers/policies.ts';
import { tokenRequests } from '../controllers/token-request.ts';
import { may } from '../keys/may.ts';
import { connect } from '../kube/client.ts';
import { codeOf } from '../kube/errors.ts';
import { AccessReviews } from '../kube/access-review.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Clock } from '../runtime/clock.ts';
import { Loops } from '../runtime/loops.ts';
import { startHttps, type HttpsListening } from '../serve/https.ts';
import { VaultSource } from '../sources/vault/source.ts';
import { startAudit } from './audit.ts';
import { fenced, POLICIES } from './fence.ts';
import { FrontProxy } from './front-proxy.ts';
import { keysWorld, refusals, type KeysDependencies } from './keys-parts.ts';
import { servedBy, type Served } from './keys-served.ts';
import { address, type Role } from './role.ts';
import { serve } from './serving.ts';

const STALE_MS = 10 * 60_000;
const FLUSH_MS = 2_000;
/** Listings of one integration that wait for the same Vault; more are told to come again. */
const VAULT_WAITERS = 16;
/** For the server: a little more than the API needs to answer that it is late. kube-apiserver waits for a minute. */
const LIMITS = {
  deadlineMs: 55_000,
  /** As kube-apiserver does it: what etcd takes. */
  bodyBytes: 1_572_864,
  bufferedBytes: 32 * 1024 * 1024,
  /** People with hundreds of groups. */
  headerBytes: 128 * 1024,
};

/** Serves the API for keys, behind kube-apiserver; every replica does. */
export function keysRole(
  config: Config,
  log: Logger,
  clock: Clock,
  metrics: Metrics,
  served: (deps: KeysDependencies) => Served = servedBy,
): Role {
  const { systemNamespace, storePrefix, tokenAudiences, vaultHosts, allowHttpVault: allowHttp } = config;
  const client = connect({
    kubeconfig: config.kubeconfig,
    userAgent: 'fairlead-keys',
    fieldManager: 'fairlead-keys',
    ...metrics.kube,
  });
  const hooks = {
    ...metrics.reflector,
    onError: (error: Parameters<typeof metrics.reflector.onError>[0]) => {
      metrics.reflector.onError(error);
      log.warn(error, 'a watch failed and is tried again');
    },
  };
  const seen = keysWorld({ client, clock, systemNamespace, storePrefix, hooks });
  const frontProxy = new FrontProxy({ client, clock, hooks, log });
  const watched: { hasSynced(): boolean; stalenessMs(): number; readonly name: string }[] = [
    ...Object.values(seen),
    frontProxy.reflector,
  ];
  metrics.vault.watchIntegrations(() => observedIntegrations(seen));
  metrics.audit.watchAudit(() => audit?.fault() === undefined);
  const loops = new Loops(clock);
  let audit: AuditLog | undefined;
  let anchor: SlotAnchor | undefined;
  let server: HttpsListening | undefined;

  return {
    live: [
      { name: 'watches', check: () => watched.find((one) => one.stalenessMs() > STALE_MS)?.name },
      { name: 'loops', check: () => loops.problem() },
    ],
    ready: [
      { name: 'caches', check: () => watched.find((one) => !one.hasSynced())?.name },
      { name: 'front-proxy', check: () => frontProxy.problem() },
      { name: 'api', check: () => (server ? undefined : 'waits for its certificate') },
      { name: 'audit', check: () => (audit ? audit.problem() : 'not begun') },
      { name: 'audit-anchor', check: () => anchor?.problem() },
    ],
    run: async (signal) => {
      const settings = { systemNamespace, tokenAudiences, storePrefix };
      const guard = new PolicyGuard(await expectedPolicies([POLICIES], settings), client, clock, hooks);
      watched.push(...guard.reflectors);
      const all = [...Object.values(seen), frontProxy.reflector, ...guard.reflectors];
      for (const reflector of all) metrics.watchReflector(reflector);
      const ending = new AbortController();
      const running = all.map(async (reflector) => reflector.run(ending.signal));

      const { identity } = config;
      const slots = new SlotAnchor({
        ...{ client, clock, namespace: systemNamespace, identity },
        ...{ prefix: KEYS_AUDIT_LEASE_PREFIX, count: KEYS_AUDIT_LEASES },
      });
      anchor = slots;
      const log_ = startAudit(config, client, clock, log, metrics.audit, slots);
      audit = log_;
      running.push(
        slots.hold(ending.signal, (error) =>
          log.warn({ code: codeOf(error) }, 'the anchor of the audit could not be held; tried again'),
        ),
      );
      const requestToken = fenced(guard, tokenRequests(client, systemNamespace));
      const vault = new VaultSource({
        ...{ clock, random: Math.random, log, maxWaitersPerIntegration: VAULT_WAITERS, requestToken },
        ...metrics.vault,
      });
      seen.integrations.onChange(({ type, object }) => {
        if (type === 'deleted') vault.forget(object.metadata.name);
      });
      const reviews = new AccessReviews(client, clock);
      const allowed = { vaultHosts, allowHttp, tokenAudiences };
      const { resources, inner } = served({
        ...{ client, clock, log, world: seen, vault, allowed, guard, reviews, requestToken },
        ...{ audit: log_, systemNamespace, storePrefix },
      });

      const unavailable = () => {
        const late = watched.find((one) => !one.hasSynced());
        if (late) return 'Fairlead has just started and has not seen everything yet';
        if (guard.problem())
          return 'the policies that fence Fairlead in do not stand as they should; an administrator has to apply config/policies again';
        return log_.problem() === undefined ? undefined : 'the audit cannot be written';
      };
      const api = extensionApi({
        ...{ group: KEYS_GROUP, version: VERSION, clock, resources, inner, unavailable },
        requestHeader: () => frontProxy.config(),
        allowed: async ({ caller, ...question }, until) =>
          may(caller, { ...question, group: KEYS_GROUP }, until, { reviews, clock }),
        onError: (problem) => log.warn(problem, 'the API for keys'),
        onRefused: refusals(log_, signal),
        onRequest: metrics.api.onRequest,
      });

      try {
        await frontProxy.first(signal);
        await serve(
          {
            ...{ directory: config.keysCertificateDir, clock, log, loops, what: 'the API for keys' },
            onCertificate: ({ notAfter }) =>
              metrics.certificates.seen(KEYS_CERTIFICATE_SECRET, 'server', notAfter),
            retireMs: config.drainSeconds * 1000,
            start: async (certificate) =>
              startHttps({
                ...{
                  ...address(config.keysAddress),
                  certificate,
                  clientCa: frontProxy.ca,
                  routes: {},
                  open: api,
                  limits: LIMITS,
                },
                onError: (problem) => log.warn(problem, 'the API for keys'),
              }),
            onServing: (serving) => {
              server = serving;
              // It waits for its certificate first, and the authorities may have changed meanwhile.
              frontProxy.onCa((ca) => serving.setClientCa(ca));
              serving.setClientCa(frontProxy.ca);
            },
          },
          signal,
        );
      } finally {
        const soon = AbortSignal.timeout(FLUSH_MS);
        await Promise.all([vault.stop(soon), log_.stop(soon)]);
        ending.abort();
        await Promise.all(running);
        // Another replica would wait a minute otherwise.
        await slots.release(soon).catch(() => undefined);
        await client.close();
      }
    },
  };
}
