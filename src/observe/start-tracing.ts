import type { Tracing, TracingOptions } from './tracing.ts';

const OFF: Tracing = {
  within: async (_name, _delivery, _fields, work) => work(),
  ended: () => {},
  admitted: () => {},
  stop: async () => {},
};

/** The libraries for it are loaded only if there is an endpoint. */
export async function tracing(options: TracingOptions): Promise<Tracing> {
  const { endpoint } = options;
  return endpoint === undefined
    ? OFF
    : (await import('./tracing-otlp.ts')).otlpTracing({ ...options, endpoint });
}
