import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askTwice, confirmed } from './prompt.ts';

/** A terminal on which somebody types one of these after each question. */
class Typist extends EventEmitter {
  readonly modes: boolean[] = [];
  readonly #lines: Uint8Array[][];

  constructor(...lines: (string | Uint8Array)[][]) {
    super();
    this.#lines = lines.map((chunks) => chunks.map((chunk) => Buffer.from(chunk as string)));
  }

  setRawMode(mode: boolean): void {
    this.modes.push(mode);
  }

  resume(): void {
    const chunks = this.#lines.shift() ?? [];
    queueMicrotask(() => {
      for (const chunk of chunks) this.emit('data', chunk);
    });
  }

  pause(): void {}
}

const ask = async (...lines: (string | Uint8Array)[][]) => {
  const written: string[] = [];
  const stdin = new Typist(...lines);
  const value = await askTwice('db', { stdin, write: (text) => written.push(text) }).catch(
    (error: unknown) => error as Error,
  );
  return { value, shown: written.join(''), modes: stdin.modes };
};

describe('the hidden prompt', () => {
  it.each([
    ['takes a line', [['s3cret\r'], ['s3cret\r']], 's3cret'],
    ['takes it key by key', [['a', 'b', '\n'], ['ab\n']], 'ab'],
    ['knows backspace, also for what is more than one unit', [['a😀\u007fb\r'], ['ab\r']], 'ab'],
    ['knows Ctrl-U', [['wrong\u0015right\r'], ['right\r']], 'right'],
    [
      'knows a character that comes in two pieces',
      [[Buffer.from([0xc3]), Buffer.from([0xbc]), '\r'], ['ü\r']],
      'ü',
    ],
    ['ends with Ctrl-D', [['x\u0004'], ['x\u0004']], 'x'],
  ])('%s', async (_, lines, value) => {
    const asked = await ask(...lines);
    expect(asked.value).toBe(value);
    expect(asked.shown).toBe('Value of db: \nThe same again: \n');
    expect(asked.modes).toEqual([true, false, true, false]);
  });

  it.each([
    ['two values that differ', [['one\r'], ['two\r']], 'the two values differ'],
    ['an empty value', [['\r']], 'the value is empty'],
    ['Ctrl-C', [['s3cret\u0003']], 'interrupted'],
  ])('refuses %s and restores the terminal', async (_, lines, message) => {
    const { value, shown, modes } = await ask(...lines);
    expect((value as Error).message).toContain(message);
    expect(`${(value as Error).message}${shown}`).not.toMatch(/s3cret|one|two v?$/);
    expect(modes.at(-1)).toBe(false);
  });
});

it.each([
  ['y\n', true],
  ['YES\n', true],
  [' y \n', true],
  ['\n', false],
  ['', false],
  ['n\n', false],
  ['yesterday\n', false],
])('the answer %j means %j', async (answer, yes) => {
  const stdin = Readable.from([Buffer.from(answer)]);
  expect(await confirmed('Delete?', { stdin, write: () => undefined })).toBe(yes);
});
