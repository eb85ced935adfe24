import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditCommand } from './command.ts';
import { linesOf, oldestFirst } from './files.ts';
import { IDS, KEY, wholeChain } from './test-support.ts';

const [a, b] = IDS;
const first = wholeChain(a, 4);
const second = wholeChain(b, 3, first.tail);
const both = [...first.texts, ...second.texts];

let dir: string;
const at = (name: string) => join(dir, name);
const put = async (name: string, texts: readonly string[]) => writeFile(at(name), `${texts.join('\n')}\n`);
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fairlead-audit-'));
  await put('key', [KEY.toString('hex')]);
  await put('bad-key', ['s3cret']);
  await put('anchor', [JSON.stringify(second.tail)]);
  await put('audit.log.10', both.slice(0, 3));
  await put('audit.log.2', both.slice(3, 8));
  await put('audit.log', both.slice(8));
  await put('changed', both.with(2, (both[2] ?? '').replace('team-a', 'team-b')));
});
afterAll(async () => rm(dir, { recursive: true, force: true }));

function run(...args: string[]): { code: number; text: string } {
  let text = '';
  const code = auditCommand(args, { write: (more) => (text += more) });
  return { code, text: text.replaceAll(`${dir}/`, '') };
}
const verify = (...args: string[]) => run('verify', ...args, '--key-file', at('key'));
const parts = () => ['audit.log', 'audit.log.2', 'audit.log.10'].map(at);

describe('audit verify', () => {
  it('puts the parts of a file in order and says what it saw', () => {
    const { code, text } = verify(...parts(), '--anchor', at('anchor'));
    expect([code, text.split('\n')]).toEqual([
      0,
      [
        'chain       00000000 of one: lines 1 to 6, audit.log.10:1 to audit.log.2:3, ended',
        'chain       00000000 of one: lines 1 to 5, audit.log.2:4 to audit.log:3, ended',
        '11 lines of the audit in 2 chains, 0 other lines',
        'everything is as it was written',
        '',
      ],
    ]);
  });

  it('names the first line that is wrong', () => {
    const { code, text } = verify(at('changed'));
    expect([code, text.split('\n')[0]]).toEqual([
      1,
      'CHANGED     changed:3  chain 00000000: the line is not as Fairlead wrote it, or the key is another one',
    ]);
  });

  it('tells a part that was not given from one that was touched', () => {
    expect(verify(...parts().slice(1), '--anchor', at('anchor')).code).toBe(1);
    const { code, text } = verify(at('audit.log'));
    expect([code, text.split('\n')[0]]).toEqual([
      3,
      'MISSING     audit.log:1  chain 00000000: lines 1 to 2 of the chain are not there',
    ]);
  });

  it('answers in JSON, too', () => {
    const { code, text } = verify(at('changed'), '-o', 'json');
    expect([code, JSON.parse(text)]).toEqual([
      1,
      expect.objectContaining({
        verdict: 'tampered',
        findings: [expect.objectContaining({ kind: 'changed', place: 'changed:3', chain: a })],
      }) as unknown,
    ]);
  });

  it.each<[string, () => string[], string]>([
    ['no file', () => ['verify', '--key-file', at('key')], 'no file is named'],
    ['no key', () => ['verify', at('audit.log')], '--key-file is missing'],
    [
      'a key that is none',
      () => ['verify', 'x', '--key-file', at('bad-key')],
      'does not hold 64 hexadecimal',
    ],
    [
      'an anchor that is none',
      () => ['verify', 'x', '--key-file', at('key'), '--anchor', at('key')],
      'anchor file',
    ],
    ['another command', () => ['forget'], 'the command is: audit verify'],
    ['an unknown flag', () => ['verify', '--kei', 'x'], 'unknown or incomplete flag'],
    [
      'another output',
      () => ['verify', 'x', '--key-file', at('key'), '-o', 'xml'],
      '-o must be text or json',
    ],
    [
      'a file that is not there',
      () => ['verify', at('nope'), '--key-file', at('key')],
      'nope cannot be read (ENOENT)',
    ],
  ])('%s is wrong usage', (_, args, message) => {
    const { code, text } = run(...args());
    expect([code, text.split('\n')[0]]).toEqual([2, expect.stringContaining(message)]);
    expect(text).not.toContain('s3cret');
  });

  it('explains itself', () => {
    expect(run('--help')).toMatchObject({ code: 0, text: expect.stringContaining('Exit codes') as string });
  });
});

describe('files', () => {
  it('are gone through again each time, with lines of any length', async () => {
    const long = 'x'.repeat(3_000_000);
    await writeFile(at('long'), `a\n\n${long}\nend`);
    const lines = linesOf([at('long')]);
    for (let i = 0; i < 2; i += 1)
      expect([...lines].map(({ number, text }) => [number, text.length])).toEqual([
        [1, 1],
        [2, 0],
        [3, 3_000_000],
        [4, 3],
      ]);
  });

  it('of several replicas keep their order', () => {
    expect(oldestFirst(['b/x', 'a/x.1', 'a/x', 'b/x.2', 'a/x.11'])).toEqual([
      'b/x.2',
      'b/x',
      'a/x.11',
      'a/x.1',
      'a/x',
    ]);
    expect(oldestFirst(['x', 'x.0', 'x.1'])).toEqual(['x.1', 'x.0', 'x']);
  });
});
