import { afterEach, beforeEach, expect, test } from 'vitest';
import { collector } from '../../test/support/otlp.ts';
import { tracing } from './start-tracing.ts';

let taker: Awaited<ReturnType<typeof collector>>;
let lines: [fields: object, message: string][];
beforeEach(async () => {
  taker = await collector();
  lines = [];
});
afterEach(async () => taker.stop());

const start = async (role: string, { ratio = 1, on = true } = {}) =>
  tracing({
    ...{ endpoint: on ? taker.endpoint : undefined, ratio, role, instance: 'one' },
    log: { warn: (fields, message) => void lines.push([fields, message]) },
  });

test('the webhook, the passes and their requests are one trace, whichever process they are of', async () => {
  const admission = await start('admission');
  admission.admitted('fairlead-abc', 3, { webhook: '/mutate/pods' });
  const controller = await start('controller');
  await controller.within('pods', 'fairlead-abc', { pod: 'a/b', references: ['x', 'y'] }, async () => {
    await Promise.resolve();
    controller.ended('vault read', 5, { code: 200 });
  });
  await Promise.all([admission.stop(), controller.stop()]);

  const [first, pass, read] = ['admission', 'pods', 'vault read'].map((name) =>
    taker.spans.find((span) => span.name === name),
  );
  expect(first).toMatchObject({
    service: 'fairlead-admission',
    attributes: { 'fairlead.delivery': 'fairlead-abc', 'fairlead.webhook': '/mutate/pods' },
  });
  expect(first?.parentSpanId).toBeUndefined();
  expect(pass).toMatchObject({ service: 'fairlead-controller', parentSpanId: first?.spanId });
  expect(pass?.attributes).toMatchObject({ 'fairlead.pod': 'a/b', 'fairlead.references': '["x","y"]' });
  expect(read).toMatchObject({ parentSpanId: pass?.spanId, attributes: { 'fairlead.code': 200 } });
  expect(new Set(taker.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test('a request outside of any pass is no span, and a pass that fails still is one', async () => {
  const traces = await start('controller');
  traces.ended('kubernetes PUT', 5, {});
  const failed = traces.within('vaultintegrations', undefined, {}, async () =>
    Promise.reject(new Error('no')),
  );
  await expect(failed).rejects.toThrow('no');
  await traces.stop();
  expect(taker.spans.map(({ name }) => name)).toEqual(['vaultintegrations']);
});

test('fields with telling names do not come through', async () => {
  const traces = await start('controller');
  await traces.within('pods', undefined, { pod: 'a/b', token: 'hvs.abcdefgh1234' }, async () => {});
  await traces.stop();
  expect(taker.raw()).toContain('a/b');
  expect(taker.raw()).not.toContain('hvs.');
});

test('half of the deliveries: the same ones in every process', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `fairlead-${i}`);
  const traces = [
    await start('admission', { ratio: 0.5 }),
    await start('controller', { ratio: 0.5 }),
  ] as const;
  for (const name of names) {
    traces[0].admitted(name, 1, {});
    await traces[1].within('pods', name, {}, async () => {});
  }
  await Promise.all(traces.map(async (one) => one.stop()));
  const of = (service: string) =>
    new Set(taker.spans.filter((span) => span.service === service).map(({ traceId }) => traceId));
  expect(of('fairlead-admission')).toEqual(of('fairlead-controller'));
  expect(of('fairlead-admission').size).toBeGreaterThan(50);
  expect(of('fairlead-admission').size).toBeLessThan(150);
});

test('what cannot be sent is said once, by a code, and holds nothing up', async () => {
  taker.state.status = 400;
  const traces = await start('controller');
  await traces.within('pods', undefined, {}, async () => {});
  await traces.stop();
  expect(taker.state.asked).toBe(1);
  expect(lines).toEqual([[{ code: 400 }, 'traces cannot be sent']]);
});

test('without an endpoint nothing is sent, and the work is done all the same', async () => {
  const traces = await start('controller', { on: false });
  expect(await traces.within('pods', 'fairlead-abc', {}, async () => 'done')).toBe('done');
  traces.ended('vault read', 1, {});
  traces.admitted('fairlead-abc', 1, {});
  await traces.stop();
  expect(taker.state.asked).toBe(0);
});
