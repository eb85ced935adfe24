/** OpenTelemetry's SDK and its exporter for OTLP over HTTP. Only tracing.ts looks in here, and only when asked to. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  TraceFlags,
  trace,
  type Attributes,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  RandomIdGenerator,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import { safeFields } from './safe.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

const STOP_MS = 2_000;
const EXPORT_MS = 5_000;

/** Everything that goes into a span goes through safe.ts, as what is logged does. */
export function otlpTracing({
  endpoint,
  ratio,
  role,
  instance,
  log,
}: TracingOptions & { readonly endpoint: string }): Tracing {
  const within = new AsyncLocalStorage<Context>();
  const ids = new GivenIds();
  const exporter = reporting(new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_MS }), log);
  const provider = new TracerProvider({
    idGenerator: ids,
    // By the trace alone, which every process derives from the delivery: all of a trace or nothing.
    sampler: new TraceIdRatioBasedSampler(ratio),
    resource: resourceFromAttributes({
      'service.name': `fairlead-${role}`,
      'service.namespace': 'fairlead',
      'service.instance.id': instance,
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_MS })],
  });
  const tracer = provider.getTracer('fairlead');

  return {
    within: async (name, delivery, fields, work) => {
      const parent = delivery === undefined ? ROOT_CONTEXT : under(spanOf(delivery));
      const span = tracer.startSpan(name, { attributes: attributesOf(fields) }, parent);
      try {
        return await within.run(trace.setSpan(parent, span), work);
      } finally {
        span.end();
      }
    },
    ended: (name, ms, fields) => {
      const parent = within.getStore();
      if (!parent) return;
      const options = { attributes: attributesOf(fields), kind: SpanKind.CLIENT, startTime: Date.now() - ms };
      tracer.startSpan(name, options, parent).end();
    },
    admitted: (delivery, ms, fields) => {
      const options = { attributes: attributesOf({ ...fields, delivery }), kind: SpanKind.SERVER };
      const startTime = Date.now() - ms;
      ids.next(spanOf(delivery), () =>
        tracer.startSpan('admission', { ...options, startTime, root: true }).end(),
      );
    },
    stop: async () => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, STOP_MS);
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
}

/** The first span of a delivery's trace. Derived, so that nothing more than the delivery has to stand on the pod. */
function spanOf(delivery: string): SpanContext {
  const hash = createHash('sha256').update(delivery).digest('hex');
  const traceFlags = TraceFlags.SAMPLED;
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48), traceFlags, isRemote: true };
}

function under(parent: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** Random ids, but for the one span that gets ids of ours. */
class GivenIds {
  readonly #random = new RandomIdGenerator();
  #given: SpanContext | undefined;

  next(ids: SpanContext, make: () => void): void {
    this.#given = ids;
    try {
      make();
    } finally {
      this.#given = undefined;
    }
  }

  generateTraceId(): string {
    return this.#given?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#given?.spanId ?? this.#random.generateSpanId();
  }
}

function attributesOf(fields: object): Attributes {
  const texts = Object.entries(safeFields(fields)).map(([name, value]) => [
    `fairlead.${name}`,
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : JSON.stringify(value),
  ]);
  return Object.fromEntries(texts) as Attributes;
}

/** Says when spans cannot be sent, and when they can again; once each, and never in the words of the library. */
function reporting(inner: SpanExporter, log: TracingOptions['log']): SpanExporter {
  let failing = false;
  return {
    export: (spans, resultCallback) =>
      inner.export(spans, (result) => {
        const failed = result.error !== undefined;
        if (failed && !failing) log.warn({ code: codeOf(result.error) }, 'traces cannot be sent');
        if (!failed && failing) log.warn({}, 'traces are sent again');
        failing = failed;
        resultCallback(result);
      }),
    forceFlush: async () => inner.forceFlush?.(),
    shutdown: async () => inner.shutdown(),
  };
}

function codeOf(error: unknown): string | number {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' || (typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code))
    ? code
    : 'Unreachable';
}
