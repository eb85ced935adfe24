import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { MAX_VALUE_BYTES, readAll, valueOf } from './value.ts';

describe('the value', () => {
  it.each([
    ['is what was piped in', 'abc', false, 'abc'],
    ['loses the line end that echo adds', 'abc\n', false, 'abc'],
    ['loses the line end that Windows adds', 'abc\r\n', false, 'abc'],
    ['loses one line end, not two', 'abc\n\n', false, 'abc\n'],
    ['keeps line ends inside, and spaces', ' a\nb \n', false, ' a\nb '],
    ['keeps the line end if asked to', 'abc\n', true, 'abc\n'],
    ['keeps a byte order mark', '\ufeffabc', false, '\ufeffabc'],
    ['may be as long as allowed', 'x'.repeat(MAX_VALUE_BYTES), false, 'x'.repeat(MAX_VALUE_BYTES)],
  ])('%s', (_, text, keep, value) => {
    expect(valueOf(Buffer.from(text), keep)).toBe(value);
  });

  it.each([
    ['empty', '', 'is empty'],
    ['only a line end', '\n', 'is empty'],
    ['too long', 'x'.repeat(MAX_VALUE_BYTES + 1), 'longer than 128 KiB'],
    ['not UTF-8', Buffer.from([0xff, 0xfe]), 'not UTF-8'],
  ])('is refused if it is %s', (_, bytes, message) => {
    expect(() => valueOf(Buffer.from(bytes as string), false)).toThrow(message);
  });

  it('is not read for ever', async () => {
    const endless = Readable.from(
      (function* chunks() {
        for (;;) yield Buffer.alloc(10_000, 'x');
      })(),
    );
    expect(() => valueOf(Buffer.alloc(0), false)).toThrow();
    const read = await readAll(endless);
    expect(read.length).toBeGreaterThan(MAX_VALUE_BYTES);
    expect(read.length).toBeLessThan(2 * MAX_VALUE_BYTES);
  });
});
