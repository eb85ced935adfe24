import { describe, expect, it } from 'vitest';
import { seeDocs } from './see-docs.ts';

const DOCS = 'https://docs.example.com/fairlead';
const LINK = ` See ${DOCS}/reasons.md#keynotfound`;

describe('a message about a reason', () => {
  it.each([
    ['has no link without an address', undefined, 'KeyNotFound', 'no such key', 'no such key'],
    ['ends with the link', DOCS, 'KeyNotFound', 'no such key', `no such key${LINK}`],
    [
      'takes an address that ends with a slash',
      `${DOCS}/`,
      'KeyNotFound',
      'no such key',
      `no such key${LINK}`,
    ],
    ['names the reason in lower case', DOCS, 'NotKVv2', 'no', `no See ${DOCS}/reasons.md#notkvv2`],
    ['has none if all is well', DOCS, 'Resolved', 'delivered', 'delivered'],
    ['has none for an event that is no reason', DOCS, 'SparkShowsValue', 'shown', 'shown'],
    ['has none for a word that every object has', DOCS, 'constructor', 'x', 'x'],
  ])('%s', (_, docsUrl, reason, message, expected) => {
    expect(seeDocs(docsUrl, reason, message)).toBe(expected);
  });

  it.each([
    ['just fits', 'x'.repeat(1024 - LINK.length), ''],
    ['is cut', 'x'.repeat(1024), '…'],
    ['is cut at a character', 'ä'.repeat(600), '…'],
  ])('that %s keeps the limit and its whole link', (_, message, end) => {
    const said = seeDocs(DOCS, 'KeyNotFound', message);
    expect(Buffer.byteLength(said)).toBeLessThanOrEqual(1024);
    expect(Buffer.byteLength(said)).toBeGreaterThan(1020);
    expect(said.endsWith(`${end}${LINK}`)).toBe(true);
    expect(said).not.toContain('\uFFFD');
  });
});
