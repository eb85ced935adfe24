import { X509Certificate } from 'node:crypto';
import {
  AUDIT_KEY_SECRET,
  CERTIFICATE_SECRET,
  KEYS_API_SERVICE,
  KEYS_CERTIFICATE_SECRET,
  LEGACY_SPARK_CONFIGURATION,
  WEBHOOK_CONFIGURATION,
} from '../api/names.ts';
import { makeAuditKey } from '../audit/key.ts';
import type { Config } from '../config.ts';
import { connect, type KubeClient } from '../kube/client.ts';
import { codeOf } from '../kube/errors.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Clock } from '../runtime/clock.ts';
import { Loops } from '../runtime/loops.ts';
import { reconcileCertificate } from '../serve/certificate-controller.ts';
import { servingNames } from '../serve/certificates.ts';
import { allOf, apiServiceTrust, webhookTrust } from '../serve/trust.ts';
import { whileLeading } from './leading.ts';
import type { Role } from './role.ts';

/** A few small reads; RBAC allows no watch of single objects by name that would be worth its connection. */
const LOOK_MS = 5_000;
const RETRY_MS = 1_000;
/** How often it is tried to make the audit's key: being told that it is there costs one small request. */
const AUDIT_KEY_MS = 60_000;
/** Far more than one pass over everything takes; requests have a limit of their own. */
const PASS_MS = 10 * 60_000;

/**
 * Issues and renews the webhook's certificate and writes its CA into the webhook configurations, unless somebody else
 * does, and the same for the API for keys, if that is installed; makes the key of the audit, so that the controller need not write a Secret of the
 * system namespace.
 */
export function certificatesRole(config: Config, log: Logger, clock: Clock, metrics: Metrics): Role {
  const client = connect({
    kubeconfig: config.kubeconfig,
    userAgent: 'fairlead-certificates',
    fieldManager: 'fairlead-certificates',
    ...metrics.kube,
  });
  let leads = false;
  let problem: string | undefined = 'has not looked yet';
  const look = lookAfterAll(config, log, clock, metrics.certificates);
  const loops = new Loops(clock);
  const lease = 'fairlead-certificates';
  const leaseMetrics = metrics.lease(lease);

  return {
    live: [{ name: 'loops', check: () => loops.problem() }],
    ready: [{ name: 'certificate', check: () => (leads ? problem : undefined) }],
    run: async (signal) => {
      const leading = {
        config,
        client,
        clock,
        log,
        lease,
        onError: leaseMetrics.onError,
        onLeader: (leader: { self: boolean }) => {
          leads = leader.self;
          leaseMetrics.onLeader(leader);
        },
      };
      await whileLeading(
        leading,
        async (until, leader) => {
          const turn = loops.begin('certificates', PASS_MS);
          while (!until.aborted) {
            turn.again();
            const found = await look(leader, until);
            // One that was broken off has found out nothing.
            if (!until.aborted) problem = found;
            await clock.sleep(problem === undefined ? LOOK_MS : RETRY_MS, until).catch(() => undefined);
          }
          turn.end();
        },
        signal,
      );
      await client.close();
    },
  };
}

/**
 * One pass over everything; resolves to what could not be done. Each on its own, the audit's key first: what is wrong
 * with one certificate must not keep a new installation from delivering.
 */
export function lookAfterAll(
  config: Certified,
  log: Pick<Logger, 'info' | 'warn'>,
  clock: Clock,
  metrics?: Pick<Metrics['certificates'], 'seen' | 'gone'>,
): (leader: KubeClient, signal: AbortSignal) => Promise<string | undefined> {
  let auditKeyAt = -Infinity;
  const { systemNamespace } = config;

  const auditKey = async (client: KubeClient, signal: AbortSignal) => {
    if (clock.now() - auditKeyAt < AUDIT_KEY_MS) return;
    const made = await makeAuditKey(client, systemNamespace, signal);
    if (made) log.info({}, 'a key was made for the audit');
    auditKeyAt = clock.now();
  };
  const certificate = async (one: Certificate, client: KubeClient, signal: AbortSignal) => {
    const { onlyIfTrusted, names, ...rest } = one;
    if (onlyIfTrusted && (await rest.trust.read(signal)) === undefined)
      return metrics?.gone(rest.secretName, 'secret');
    const onIssued = (why: string) =>
      log.info({ why, secret: rest.secretName, ...names }, 'a certificate was issued');
    const onStored = ({ cert }: { readonly cert: string }) =>
      metrics?.seen(rest.secretName, 'secret', new X509Certificate(cert).validToDate);
    const hooks = { onIssued, onStored };
    await reconcileCertificate(signal, { client, clock, systemNamespace, ...rest, ...names, ...hooks });
  };
  return async (leader, signal) => {
    const all = [
      { secret: AUDIT_KEY_SECRET, look: async () => auditKey(leader, signal) },
      ...certificatesOf(config, leader).map((one) => ({
        secret: one.secretName,
        look: async () => certificate(one, leader, signal),
      })),
    ];
    const problems: string[] = [];
    for (const { secret, look } of all) {
      try {
        await look();
      } catch (error) {
        if (signal.aborted) break;
        problems.push(`${secret}: ${codeOf(error)}`);
        log.warn({ err: error, secret }, 'a Secret could not be looked after; tried again');
      }
    }
    return problems.length > 0 ? problems.join(', ') : undefined;
  };
}

type Certified = Pick<
  Config,
  'systemNamespace' | 'webhookService' | 'webhookNames' | 'manageWebhookCertificate' | 'keysService'
>;
type Certificate = ReturnType<typeof certificatesOf>[number];

function certificatesOf(config: Certified, client: KubeClient) {
  const { systemNamespace, webhookService, webhookNames, keysService } = config;
  const webhook = {
    secretName: CERTIFICATE_SECRET,
    names: servingNames(webhookService, systemNamespace, webhookNames),
    trust: allOf(
      webhookTrust(client, WEBHOOK_CONFIGURATION),
      webhookTrust(client, LEGACY_SPARK_CONFIGURATION, { optional: true }),
    ),
    onlyIfTrusted: false,
  };
  const keys = {
    secretName: KEYS_CERTIFICATE_SECRET,
    names: servingNames(keysService, systemNamespace),
    trust: apiServiceTrust(client, KEYS_API_SERVICE),
    // The API for keys is not part of every installation.
    onlyIfTrusted: true,
  };
  return config.manageWebhookCertificate ? [webhook, keys] : [keys];
}
