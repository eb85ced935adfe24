import { describe, expect, test } from 'vitest';
import { admit, WEBHOOK_PATHS } from './handler.ts';
import { applyPatch, CANARY, DELIVERY, pod, referring, UID } from './test-support.ts';

const PODS = WEBHOOK_PATHS['/mutate/pods'];
const LEGACY = WEBHOOK_PATHS['/mutate/legacy-pods'];

const request = (more: object = {}) => ({
  uid: UID,
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  requestKind: { group: '', version: 'v1', kind: 'Pod' },
  namespace: 'team',
  operation: 'CREATE',
  userInfo: { username: 'jane', extra: { scopes: ['a'] } },
  object: pod(referring('warehouse')),
  oldObject: null,
  dryRun: false,
  options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
  ...more,
});
const envelope = (more?: object, outer: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: request(more),
  ...outer,
});

function respond(body: unknown, options = PODS as { legacy: boolean }) {
  const answer = admit(body, options);
  if (answer.status !== 200) throw new Error(answer.body.message);
  expect(answer.body).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
  return answer.body.response;
}

describe('admit', () => {
  test('answers with a JSON patch', () => {
    const { patch, ...response } = respond(envelope());
    expect(response).toEqual({ uid: UID, allowed: true, patchType: 'JSONPatch' });
    const result = applyPatch(request().object, JSON.parse(Buffer.from(patch ?? '', 'base64').toString()));
    expect(result).toMatchObject({ metadata: { labels: { 'fairlead.dev/delivery': DELIVERY } } });
  });

  test('answers without a patch if there is nothing to change', () => {
    expect(respond(envelope({ object: pod() }))).toEqual({ uid: UID, allowed: true });
  });

  test('a dry run is like any other, since there are no side effects', () => {
    expect(respond(envelope({ dryRun: true }))).toEqual(respond(envelope()));
  });

  test('hands warnings on', () => {
    const { annotations } = referring('warehouse', { 'fairlead.dev/containers': 'main,later' });
    expect(respond(envelope({ object: pod({ annotations }) })).warnings).toHaveLength(1);
    const mirror = { 'kubernetes.io/config.mirror': 'x' };
    expect(respond(envelope({ object: pod({ annotations: mirror, spec: { nodeName: 'n' } }) }))).toEqual({
      uid: UID,
      allowed: true,
      warnings: [expect.stringContaining('mirror')],
    });
  });

  test('the path says whether placeholders count', () => {
    const object = pod({ containers: [{ name: 'main', env: [{ name: 'A', value: '${secrets.k}' }] }] });
    expect(respond(envelope({ object }), PODS)).not.toHaveProperty('patch');
    expect(respond(envelope({ object }), LEGACY)).toHaveProperty('patch');
  });

  test('refuses with a reason for the user', () => {
    expect(respond(envelope({ object: pod(referring('')) }))).toEqual({
      uid: UID,
      allowed: false,
      status: { code: 403, reason: 'Forbidden', message: expect.stringContaining('is empty') },
    });
  });

  test.each([
    ['another kind', { kind: { group: '', version: 'v1', kind: 'ConfigMap' } }],
    ['another group', { kind: { group: 'x', version: 'v1', kind: 'Pod' } }],
    ['another version', { kind: { group: '', version: 'v2', kind: 'Pod' } }],
    ['an update', { operation: 'UPDATE' }],
    ['a deletion', { operation: 'DELETE', object: null }],
    ['a subresource', { subResource: 'ephemeralcontainers' }],
  ])('refuses %s as a bad request', (_, more) => {
    expect(respond(envelope(more))).toEqual({
      uid: UID,
      allowed: false,
      status: { code: 400, reason: 'BadRequest', message: expect.stringContaining('creation of pods') },
    });
  });

  test.each([
    ['no object', { object: undefined }],
    ['an object that is no pod', { object: { value: CANARY } }],
  ])('denies %s without quoting it', (_, more) => {
    const response = respond(envelope(more));
    expect(response).toMatchObject({ allowed: false, status: { message: 'the object is not a Pod' } });
    expect(JSON.stringify(response)).not.toContain(CANARY);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', CANARY],
    ['a list', [envelope()]],
    ['another kind of review', envelope({}, { kind: 'ConversionReview' })],
    ['v1beta1', envelope({}, { apiVersion: 'admission.k8s.io/v1beta1' })],
    ['no request', envelope({}, { request: undefined })],
    ['no uid', envelope({ uid: undefined })],
    ['a uid that cannot be part of a name', envelope({ uid: `../${CANARY}` })],
    ['a uid that is too long for a label', envelope({ uid: 'a'.repeat(53) })],
    ['an empty uid', envelope({ uid: '' })],
    ['no operation', envelope({ operation: undefined })],
  ])('a body with %s is a bad request, and is not quoted', (_, body) => {
    const answer = admit(body, PODS);
    expect(answer).toEqual({
      status: 400,
      body: { message: 'the body is not an AdmissionReview of admission.k8s.io/v1' },
    });
  });

  test('a pod of a megabyte is answered in good time', () => {
    const env = Array.from({ length: 3000 }, (_, i) => ({
      name: `V${i}`,
      value: 'x'.repeat(300) + '${secrets.k}',
    }));
    const body = envelope({
      object: pod({ ...referring('warehouse'), containers: [{ name: 'main', env }] }),
    });
    const start = performance.now();
    expect(respond(body, LEGACY).allowed).toBe(true);
    expect(performance.now() - start).toBeLessThan(4000);
  });
});
