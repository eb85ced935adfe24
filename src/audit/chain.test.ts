import { describe, expect, it } from 'vitest';
import { chainOf, follows, link, parseLine } from './chain.ts';
import { AT, IDS, KEY, record } from './test-support.ts';
import { recordBody } from './record.ts';

const body = recordBody(record(), AT);
const [id] = IDS;

function parsed(text: string) {
  const line = parseLine(text);
  if (line.kind !== 'line') throw new Error(line.kind);
  return line;
}

describe('a line of a chain', () => {
  it('is JSON, marked, numbered, and ends with its code', () => {
    const { line, tail } = link(chainOf(id), body, KEY);
    expect(JSON.parse(line)).toEqual({ audit: true, chain: id, seq: 1, ...definedOf(body), mac: tail.mac });
    expect(line.startsWith(`{"audit":true,"chain":"${id}","seq":1,"time":"2026-01-01T00:00:00.000Z",`)).toBe(
      true,
    );
    expect(tail).toEqual({ chain: id, seq: 1, mac: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  });

  it('is understood as it was written', () => {
    const { line, tail } = link({ chain: id, seq: 41, mac: 'before' }, body, KEY);
    expect(parsed(line).tail).toEqual(tail);
    expect(follows(parsed(line), 'before', KEY)).toBe(true);
  });

  it('follows one line only, and with one key', () => {
    const { line } = link(chainOf(id), body, KEY);
    expect(follows(parsed(line), 'other', KEY)).toBe(false);
    expect(follows(parsed(line), '', Buffer.alloc(32, 8))).toBe(false);
  });

  it('cannot be imitated by what stands in it', () => {
    const evil = `x","mac":"${'0'.repeat(64)}"}`;
    const { line } = link(chainOf(id), recordBody(record({ entry: evil, message: `\n${evil}` }), AT), KEY);
    expect(line).not.toContain('\n');
    expect(follows(parsed(line), '', KEY)).toBe(true);
  });
});

describe('other lines', () => {
  const { line } = link(chainOf(id), body, KEY);
  it.each<[string, string, string]>([
    ['a log line is none of ours', '{"level":"info","msg":"x"}', 'other'],
    ['an empty line, too', '', 'other'],
    ['one without its end is unfinished', line.slice(0, -1), 'unfinished'],
    ['one without its code is unfinished', `${line.slice(0, -75)}}`, 'unfinished'],
    ['one with something behind it is unfinished', `${line} `, 'unfinished'],
    ['one with line number 0 is unfinished', line.replace('"seq":1', '"seq":0'), 'unfinished'],
  ])('%s', (_, text, kind) => {
    expect(parseLine(text).kind).toBe(kind);
  });
});

function definedOf(of: object): object {
  return JSON.parse(JSON.stringify(of)) as object;
}
