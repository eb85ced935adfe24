import {
  admit,
  admitConfigMap,
  CONFIG_MAPS_PATH,
  deliveryOf,
  outcomeOf,
  WEBHOOK_PATHS,
  type Admission,
} from '../admission/handler.ts';
import { CERTIFICATE_SECRET } from '../api/names.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Tracing } from '../observe/tracing.ts';
import type { Clock } from '../runtime/clock.ts';
import { Loops } from '../runtime/loops.ts';
import { startHttps, type HttpsListening, type JsonHandler, type Routes } from '../serve/https.ts';
import type { Role } from './role.ts';
import { address } from './role.ts';
import { serve } from './serving.ts';

/**
 * Serves the webhook. Needs no right in the cluster and makes no call: what it answers is a function of what it
 * is asked. The certificate comes as files, and it waits for them.
 */
export function admissionRole(
  config: Config,
  log: Logger,
  clock: Clock,
  metrics: Metrics,
  traces: Tracing,
): Role {
  let server: HttpsListening | undefined;
  const { legacySpark } = config;
  const loops = new Loops(clock);
  const observed =
    (path: string, answer: (body: unknown) => Admission): JsonHandler =>
    ({ body }) => {
      const started = clock.now();
      const answered = answer(body);
      const ms = clock.now() - started;
      metrics.admission(path, outcomeOf(answered), ms);
      const delivery = deliveryOf(answered);
      if (delivery !== undefined) traces.admitted(delivery, ms, { webhook: path });
      return answered;
    };
  const forPods = Object.entries(WEBHOOK_PATHS).map(([path, options]) => [
    `POST ${path}`,
    observed(path, (body) => admit(body, { ...options, legacySpark })),
  ]) satisfies [string, Routes[keyof Routes]][];
  const routes: Routes = {
    ...Object.fromEntries(forPods),
    [`POST ${CONFIG_MAPS_PATH}`]: observed(CONFIG_MAPS_PATH, (body) => admitConfigMap(body, { legacySpark })),
  };
  const onError = (problem: object) => log.warn(problem, 'webhook');

  return {
    live: [{ name: 'loops', check: () => loops.problem() }],
    ready: [{ name: 'webhook', check: () => (server ? undefined : 'waits for its certificate') }],
    run: async (signal) =>
      serve(
        {
          ...{ directory: config.certificateDir, clock, log, loops, what: 'the webhook' },
          onCertificate: ({ notAfter }) => metrics.certificates.seen(CERTIFICATE_SECRET, 'server', notAfter),
          retireMs: config.drainSeconds * 1000,
          start: async (certificate) =>
            startHttps({ ...address(config.webhookAddress), certificate, routes, onError }),
          onServing: (serving) => (server = serving),
        },
        signal,
      ),
  };
}
