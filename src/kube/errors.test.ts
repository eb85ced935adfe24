import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { answerError, codeOf, cut, KubeError, transportError, type KubeErrorCode } from './errors.ts';

const status = (reason?: string, rest = {}) => ({ kind: 'Status', status: 'Failure', reason, ...rest });

describe('an answer that is no success', () => {
  it.each<[number, string | undefined, KubeErrorCode, string]>([
    [400, 'BadRequest', 'BadRequest', '400 BadRequest'],
    [401, 'Unauthorized', 'Unauthorized', '401 Unauthorized'],
    [403, 'Forbidden', 'Forbidden', '403 Forbidden'],
    [404, 'NotFound', 'NotFound', '404 NotFound'],
    [405, 'MethodNotAllowed', 'BadRequest', '405 MethodNotAllowed'],
    [409, 'AlreadyExists', 'AlreadyExists', '409 AlreadyExists'],
    [409, 'Conflict', 'Conflict', '409 Conflict'],
    [409, undefined, 'Conflict', '409 Conflict'],
    [410, 'Expired', 'Gone', '410 Expired'],
    [410, 'Gone', 'Gone', '410 Gone'],
    [422, 'Invalid', 'Invalid', '422 Invalid'],
    [429, 'TooManyRequests', 'TooManyRequests', '429 TooManyRequests'],
    [500, 'InternalError', 'ServerError', '500 InternalError'],
    [503, undefined, 'ServerError', '503 ServerError'],
    [302, undefined, 'BadResponse', '302 BadResponse'],
  ])('%i %s is %s', (code, reason, expected, text) => {
    const error = answerError('PATCH pods team-a/x', code, status(reason));
    expect(error).toMatchObject({ code: expected, status: code, message: `PATCH pods team-a/x: ${text}` });
  });

  it.each<[string, unknown]>([
    ['an empty body', undefined],
    ['text of a proxy', 'Bad gateway: hunter2'],
    ['another kind', { kind: 'Secret', reason: 'hunter2', message: 'hunter2' }],
    ['a reason that is a sentence', status('the value hunter2 is wrong')],
    ['a message that is no text', status('Invalid', { message: { hunter2: true } })],
  ])('says nothing of %s', (_, body) => {
    const error = answerError('GET secrets a/b', 502, body);
    expect(error.code).toBe('ServerError');
    expect(`${error.message} ${error.reason} ${error.serverMessage}`).not.toContain('hunter2');
  });
});

describe('what the server said', () => {
  const said = answerError(
    'POST secrets a/b',
    422,
    status('Invalid', { message: `Invalid value: "hunter2"` }),
  );

  it('is there for those who ask', () => {
    expect(said.serverMessage).toBe('Invalid value: "hunter2"');
  });

  it.each<[string, (error: KubeError) => string]>([
    ['the message', (error) => error.message],
    ['the stack', (error) => error.stack ?? ''],
    ['String()', String],
    ['JSON', (error) => JSON.stringify(error)],
    ['a copy of its fields', (error) => JSON.stringify(Object.assign({}, error))],
    ['an inspector', (error) => inspect(error, { depth: 10, showHidden: true, getters: false })],
  ])('is not in %s', (_, show) => {
    expect(show(said)).not.toContain('hunter2');
  });

  it('is at most one KiB', () => {
    const error = answerError('GET x', 500, status('InternalError', { message: 'ü'.repeat(5000) }));
    expect(Buffer.byteLength(error.serverMessage ?? '')).toBeLessThanOrEqual(1024);
  });
});

describe('how long to wait', () => {
  const inTenSeconds = () => new Date(Date.now() + 10_000).toUTCString();
  it.each<[string, string | undefined, object, number | undefined]>([
    ['seconds of the header', '7', {}, 7000],
    ['seconds of the Status', undefined, { details: { retryAfterSeconds: 3 } }, 3000],
    ['the header rather than the Status', '7', { details: { retryAfterSeconds: 3 } }, 7000],
    ['five minutes at most', '86400', {}, 300_000],
    ['not less than nothing', '-3', {}, 0],
    ['nothing if it is not said', undefined, {}, undefined],
    ['nothing if it is nonsense', 'soon', {}, undefined],
    ['nothing if the Status says zero', undefined, { details: { retryAfterSeconds: 0 } }, undefined],
  ])('%s', (_, header, rest, expected) => {
    const error = answerError('GET x', 429, status('TooManyRequests', rest), header);
    expect(error.retryAfterMs).toBe(expected);
  });

  it('until the date of the header', () => {
    const { retryAfterMs = 0 } = answerError('GET x', 429, {}, inTenSeconds());
    expect(retryAfterMs).toBeGreaterThan(8000);
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
  });
});

describe('a request without an answer', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED, sent: hunter2'), { code: 'ECONNREFUSED' });

  it.each<[string, unknown, KubeErrorCode, string]>([
    ['refused', refused, 'Unreachable', 'ECONNREFUSED'],
    ['timed out', Object.assign(new Error('x'), { code: 'ETIMEDOUT' }), 'Timeout', 'ETIMEDOUT'],
    ['failed without a code', new TypeError('hunter2'), 'Unreachable', 'TypeError'],
    ['failed with a text', 'hunter2', 'Unreachable', 'Unknown'],
  ])('%s', (_, cause, code, word) => {
    const error = transportError('GET pods a/b', cause);
    expect(error).toMatchObject({ code, message: `GET pods a/b: no answer (${word})`, cause: word });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter2');
  });

  it('that failed as we know it already stays as it is', () => {
    const known = new KubeError({ code: 'Aborted', message: 'x' });
    expect(transportError('GET x', known)).toBe(known);
  });
});

describe('the safe word for what was thrown', () => {
  it.each<[string, unknown, string]>([
    ['the code', refusedBy('EPIPE'), 'EPIPE'],
    ['the class', new RangeError('x'), 'RangeError'],
    ['no sentence', refusedBy('hunter2 is wrong'), 'Error'],
    ['nothing of a text', 'hunter2', 'Unknown'],
    ['nothing of null', null, 'Unknown'],
  ])('%s', (_, thrown, expected) => {
    expect(codeOf(thrown)).toBe(expected);
  });

  function refusedBy(code: string): Error {
    return Object.assign(new Error('x'), { code });
  }
});

describe('cutting', () => {
  it.each([
    ['short text stays', 'abc', 10, 'abc'],
    ['text of just the size stays', 'abcdefghij', 10, 'abcdefghij'],
    ['longer text ends in an ellipsis', 'abcdefghijk', 10, 'abcdefg…'],
    ['a character is not cut in two', 'ääääää', 10, 'äää…'],
    ['nor one of four bytes', '😀😀😀', 10, '😀…'],
  ])('%s', (_, text, bytes, expected) => {
    expect(cut(text, bytes)).toBe(expected);
  });
});
