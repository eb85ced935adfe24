import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cluster.ts';
import { collector, type Span } from '../support/otlp.ts';
import { platform, reference, type Platform } from '../support/platform.ts';
import { settled } from '../support/vault-product.ts';

const PLANTED = 'planted-9c1f77';

let taker: Awaited<ReturnType<typeof collector>>;
let p: Platform;
let namespace: string;
beforeAll(async () => {
  taker = await collector();
  p = await platform('tracing', { flags: ['--traces-endpoint', taker.endpoint] });
  namespace = await p.namespace('tracing');
  await p.integration('tracing-vault', { a: PLANTED }, { domains: ['tracing'] });
  await settled(p, 'tracing-vault', 'Connected');
  await p.k.apply(reference('warehouse', namespace, { A: 'VAULT/tracing-vault/a' }));
});
afterAll(async () => {
  await p?.stop();
  await taker?.stop();
});

describe('traces', () => {
  it('lead from the webhook over the passes and Vault to the delivery, and hold no value', async () => {
    await p.pod(namespace, 'one', 'warehouse');
    const { metadata } = await p.released(namespace, 'one');
    const delivery: string = metadata.annotations['fairlead.dev/delivered'];

    // Two processes send them, each in its own time.
    const trace = await until('the trace', async () => {
      const first = taker.spans.find(
        ({ name, attributes }) => name === 'admission' && attributes['fairlead.delivery'] === delivery,
      );
      const all = taker.spans.filter(({ traceId }) => traceId === first?.traceId);
      const calls = all.map(({ attributes }) => attributes['fairlead.call']);
      return calls.includes(`PATCH pods ${namespace}/one`) ? all : undefined;
    });
    const named = (name: string, call?: string): Span | undefined =>
      trace.find((span) => span.name === name && (!call || span.attributes['fairlead.call'] === call));
    const admission = named('admission');
    const secret = named('kubernetes POST', `POST secrets ${namespace}/${delivery}`);
    expect(admission?.service).toBe('fairlead-admission');
    expect(admission?.parentSpanId).toBeUndefined();
    const read = named('vault read');
    expect(read?.attributes).toMatchObject({ 'fairlead.code': 200 });
    for (const part of [secret, read]) {
      const pass = trace.find(({ spanId }) => spanId === part?.parentSpanId);
      expect(pass).toMatchObject({ name: 'pods', parentSpanId: admission?.spanId });
      expect(pass?.attributes).toMatchObject({
        'fairlead.pod': `${namespace}/one`,
        'fairlead.references': '["warehouse"]',
      });
    }
    expect(taker.raw()).not.toContain(PLANTED);
    expect(taker.raw()).not.toContain(Buffer.from(PLANTED).toString('base64'));
  });

  it('hold no delivery up while nobody takes them', async () => {
    taker.state.status = 503;
    await p.pod(namespace, 'two', 'warehouse');
    await p.released(namespace, 'two');
    taker.state.status = 400;
    await until('the line of the log', async () => {
      const line = (await p.logs()).split('\n').find((text) => text.includes('traces cannot be sent'));
      return line ?? Promise.reject(new Error('not yet'));
    });
  });
});
