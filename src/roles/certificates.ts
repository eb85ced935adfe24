import {
  CERTIFICATE_SECRET,
  KEYS_API_SERVICE,
  KEYS_CERTIFICATE_SECRET,
  WEBHOOK_CONFIGURATION,
} from '../api/names.ts';
import { makeAuditKey } from '../audit/key.ts';
import type { Config } from '../config.ts';
import { connect, type KubeClient } from '../kube/client.ts';
import { codeOf } from '../kube/errors.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';
import { reconcileCertificate } from '../serve/certificate-controller.ts';
import { servingNames } from '../serve/certificates.ts';
import { apiServiceTrust, webhookTrust } from '../serve/trust.ts';
import { whileLeading } from './leading.ts';
import type { Role } from './role.ts';

/** A few small reads; RBAC allows no watch of single objects by name that would be worth its connection. */
const LOOK_MS = 5_000;
const RETRY_MS = 1_000;
/** How often it is tried to make the audit's key: being told that it is there costs one small request. */
const AUDIT_KEY_MS = 60_000;

/**
 * Issues and renews the webhook's certificate and writes its CA into the webhook configuration, and the same for the
 * API for keys, if that is installed; makes the key of the audit, so that the controller need not write a Secret of the
 * system namespace.
 */
export function certificatesRole(config: Config, log: Logger, clock: Clock): Role {
  const client = connect({
    kubeconfig: config.kubeconfig,
    userAgent: 'fairlead-certificates',
    fieldManager: 'fairlead-certificates',
  });
  let leads = false;
  let problem: string | undefined = 'has not looked yet';
  let auditKeyAt = -Infinity;

  const look = async (leader: KubeClient, signal: AbortSignal): Promise<void> => {
    const { systemNamespace } = config;
    const failures: string[] = [];
    // One after the other, each whatever becomes of the others: without the key of the audit nothing is delivered.
    const each = async (what: string, work: () => Promise<void>) => {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        failures.push(codeOf(error));
        log.warn({ err: error, what }, 'this could not be looked after; tried again');
      }
    };
    await each('the key of the audit', async () => {
      if (clock.now() - auditKeyAt < AUDIT_KEY_MS) return;
      const made = await makeAuditKey(leader, systemNamespace, signal);
      if (made) log.info({}, 'a key was made for the audit');
      auditKeyAt = clock.now();
    });
    for (const { onlyIfTrusted, names, ...certificate } of certificatesOf(config, leader)) {
      await each(certificate.secretName, async () => {
        if (onlyIfTrusted && (await certificate.trust.read(signal)) === undefined) return;
        const onIssued = (why: string) =>
          log.info({ why, secret: certificate.secretName, ...names }, 'a certificate was issued');
        const deps = { client: leader, clock, systemNamespace, ...certificate, ...names, onIssued };
        await reconcileCertificate(signal, deps);
      });
    }
    if (!signal.aborted) problem = failures[0];
  };
  return {
    live: [],
    ready: [{ name: 'certificate', check: () => (leads ? problem : undefined) }],
    run: async (signal) => {
      const leading = {
        config,
        client,
        clock,
        log,
        lease: 'fairlead-certificates',
        onLeader: ({ self }: { self: boolean }) => (leads = self),
      };
      await whileLeading(
        leading,
        async (until, leader) => {
          while (!until.aborted) {
            await look(leader, until);
            await clock.sleep(problem === undefined ? LOOK_MS : RETRY_MS, until).catch(() => undefined);
          }
        },
        signal,
      );
      await client.close();
    },
  };
}

function certificatesOf(config: Config, client: KubeClient) {
  const { systemNamespace, webhookService, webhookNames, keysService } = config;
  return [
    {
      secretName: CERTIFICATE_SECRET,
      names: servingNames(webhookService, systemNamespace, webhookNames),
      trust: webhookTrust(client, WEBHOOK_CONFIGURATION),
      onlyIfTrusted: false,
    },
    {
      secretName: KEYS_CERTIFICATE_SECRET,
      names: servingNames(keysService, systemNamespace),
      trust: apiServiceTrust(client, KEYS_API_SERVICE),
      // The API for keys is not part of every installation.
      onlyIfTrusted: true,
    },
  ];
}
