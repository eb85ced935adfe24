import { admit, admitConfigMap, CONFIG_MAPS_PATH, WEBHOOK_PATHS } from '../admission/handler.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../observe/log.ts';
import type { Clock } from '../runtime/clock.ts';
import { readServingFiles, watchServingFiles } from '../serve/certificate-files.ts';
import { startHttps, type HttpsListening, type Routes } from '../serve/https.ts';
import type { Role } from './role.ts';
import { address } from './role.ts';

/** How often the mounted certificate is looked at: the kubelet itself takes up to a minute to bring a new one. */
const CERTIFICATE_MS = 2_000;
const DRAIN_MS = 5_000;

/**
 * Serves the webhook. Needs no right in the cluster and makes no call: what it answers is a function of what it
 * is asked. The certificate comes as files, and it waits for them.
 */
export function admissionRole(config: Config, log: Logger, clock: Clock): Role {
  let server: HttpsListening | undefined;
  const { legacySpark } = config;
  const forPods = Object.entries(WEBHOOK_PATHS).map(([path, options]) => [
    `POST ${path}`,
    ({ body }) => admit(body, { ...options, legacySpark }),
  ]) satisfies [string, Routes[keyof Routes]][];
  const routes: Routes = {
    ...Object.fromEntries(forPods),
    [`POST ${CONFIG_MAPS_PATH}`]: ({ body }) => admitConfigMap(body, { legacySpark }),
  };

  return {
    live: [],
    ready: [{ name: 'webhook', check: () => (server ? undefined : 'waits for its certificate') }],
    run: async (signal) => {
      const directory = config.certificateDir;
      const sleep = async (ms: number, until: AbortSignal) => clock.sleep(ms, until);
      while (!signal.aborted && !server) {
        const read = await readServingFiles(directory);
        if (read.kind === 'pair') {
          const onError = (problem: object) => log.warn(problem, 'webhook');
          server = await startHttps({
            ...address(config.webhookAddress),
            certificate: read.pair,
            routes,
            onError,
          });
          log.info({ port: server.port }, 'the webhook is served');
        } else await sleep(200, signal).catch(() => undefined);
      }
      const onPair = (pair: Parameters<HttpsListening['setCertificate']>[0]) => server?.setCertificate(pair);
      const onFault = (code: string) =>
        log.warn({ code }, 'the certificate files are unusable; the last good pair stays');
      await watchServingFiles({ directory, intervalMs: CERTIFICATE_MS, sleep, onPair, onFault }, signal);
      await server?.stop(DRAIN_MS);
    },
  };
}
