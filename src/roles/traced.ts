import type { ControllerOptions } from '../runtime/controller.ts';
import type { RequestSample } from '../kube/client.ts';
import { withFields } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Tracing } from '../observe/tracing.ts';
import type { OnRequest } from '../sources/vault/requests.ts';

/** Where a controller's passes and requests are seen: by metrics, the lines of the log, and traces. */
export function traced(metrics: Pick<Metrics, 'kube' | 'vault'>, traces: Tracing) {
  return {
    onKubeRequest: (sample: RequestSample) => {
      metrics.kube.onRequest(sample);
      const { method, call, code, ms } = sample;
      traces.ended(`kubernetes ${method}`, ms, { call, code });
    },
    onVaultRequest: ((request) => {
      metrics.vault.onRequest(request);
      const { operation, status, code, ms } = request;
      traces.ended(`vault ${operation}`, ms, { code: status ?? code });
    }) satisfies OnRequest,
    within: (async (fields, work) => {
      const { controller, delivery } = fields as { controller: string; delivery?: string };
      return withFields(fields, async () => traces.within(controller, delivery, fields, work));
    }) satisfies ControllerOptions['within'],
  };
}
