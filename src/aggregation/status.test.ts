import { describe, expect, it } from 'vitest';
import { STATUS_CODES, StatusError, type StatusReason } from './errors.ts';
import { deleted, failure, warningHeaders } from './status.ts';

const GROUP = 'g.example.com';

describe('a failure', () => {
  it.each(Object.entries(STATUS_CODES) as [StatusReason, number][])(
    'of %s is a Status with %i',
    (reason, code) => {
      const { status, body } = failure(new StatusError(reason, 'why'), GROUP);
      expect(status).toBe(code);
      expect(body).toMatchObject({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'why',
        reason,
        code,
      });
    },
  );

  it('says what it is about', () => {
    const causes = [{ field: 'spec.value', reason: 'FieldValueRequired' as const, message: 'is required' }];
    const { body } = failure(new StatusError('Invalid', 'why', { name: 'x', kind: 'things', causes }), GROUP);
    expect(body).toMatchObject({
      details: {
        ...{ name: 'x', group: GROUP, kind: 'things' },
        causes: [{ field: 'spec.value', reason: 'FieldValueRequired', message: 'is required' }],
      },
    });
  });

  it.each<[StatusReason, number | undefined, string | undefined]>([
    ['TooManyRequests', undefined, '1'],
    ['TooManyRequests', 30, '30'],
    ['ServiceUnavailable', undefined, '1'],
    ['NotFound', undefined, undefined],
  ])('of %s with %s tells to come again after %s', (reason, retryAfterSeconds, header) => {
    const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    expect(failure(new StatusError(reason, 'why', details), GROUP).headers?.['Retry-After']).toBe(header);
  });

  it('to authenticate ends the connection: the next one may have a better certificate', () => {
    expect(failure(new StatusError('Unauthorized', 'why'), GROUP).headers).toMatchObject({
      Connection: 'close',
    });
  });
});

describe('a deletion', () => {
  it('is a Status, too', () => {
    expect(deleted(GROUP, 'things', 'x')).toMatchObject({
      ...{ kind: 'Status', status: 'Success' },
      details: { name: 'x', group: GROUP, kind: 'things' },
    });
  });
});

describe('warnings', () => {
  const headers = (...warnings: string[]) => warningHeaders(warnings)['Warning'] ?? [];
  const utf8 = (header: string | undefined) => Buffer.from(header ?? '', 'latin1').toString();

  it.each<[string, string]>([
    ['plain', '299 - "plain"'],
    ['with "quotes" and \\', String.raw`299 - "with \"quotes\" and \\"`],
    ['over\r\ntwo: lines', '299 - "over two: lines"'],
    ['ü and 鍵', '299 - "ü and 鍵"'],
  ])('%j is the header %j', (warning, header) => {
    expect(utf8(headers(warning)[0])).toBe(header);
  });

  it('are there once each, not too long and not too many', () => {
    expect(headers('a', 'a', 'b')).toHaveLength(2);
    expect(utf8(headers(`${'x'.repeat(255)}ü`)[0])).toBe(`299 - "${'x'.repeat(255)}"`);
    expect(headers(...Array.from({ length: 100 }, (_, i) => `${i}${'x'.repeat(300)}`))).toHaveLength(16);
    expect(warningHeaders([])).toEqual({});
  });
});
