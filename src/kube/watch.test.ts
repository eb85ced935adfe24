import { describe, expect, it } from 'vitest';
import { KubeError } from './errors.ts';
import { watchEvents, type WatchEvent } from './watch.ts';

const pod = (name: string, note = '') => ({ metadata: { name, uid: name, resourceVersion: '1' }, note });
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function read(chunks: AsyncIterable<Buffer>): Promise<{ events: WatchEvent[]; error?: KubeError }> {
  const events: WatchEvent[] = [];
  try {
    for await (const some of watchEvents(chunks, 'WATCH pods')) events.push(...some);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { events, error };
  }
  return { events };
}

const names = (events: readonly WatchEvent[]) => events.map(({ object }) => object.metadata.name);

describe('lines', () => {
  const text =
    line('ADDED', pod('a', 'Grüße, 世界, 😀')) + line('MODIFIED', pod('b')) + line('DELETED', pod('c'));
  const bytes = Buffer.from(text);

  it.each([1, 2, 3, 5, 7, 64, 100_000])('in chunks of %i bytes', async (size) => {
    const { events } = await read(pieces(bytes, size));
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(events[0]?.object).toEqual(pod('a', 'Grüße, 世界, 😀'));
  });

  it('cut in the middle of a character', async () => {
    const at = bytes.indexOf(Buffer.from('世')) + 1;
    const { events } = await read(chunksOf(bytes.subarray(0, at), bytes.subarray(at)));
    expect(events[0]?.object).toEqual(pod('a', 'Grüße, 世界, 😀'));
  });

  it('come in lists, as the chunks completed them', async () => {
    const lists: number[] = [];
    for await (const events of watchEvents(chunksOf(bytes, bytes), 'WATCH pods')) lists.push(events.length);
    expect(lists).toEqual([3, 3]);
  });

  it('that are empty are none', async () => {
    const { events } = await read(chunksOf(Buffer.from(`\n\n${line('ADDED', pod('a'))}\n`)));
    expect(names(events)).toEqual(['a']);
  });

  it('that the end of the stream cuts off are not taken for whole', async () => {
    const { events, error } = await read(chunksOf(bytes.subarray(0, bytes.length - 10)));
    expect(names(events)).toEqual(['a', 'b']);
    expect(error).toBeUndefined();
  });

  it('of a megabyte in small chunks take no quadratic time', async () => {
    const large = Buffer.from(line('ADDED', pod('a', 'x'.repeat(1_000_000))));
    const started = performance.now();
    const { events } = await read(pieces(large, 64));
    expect(names(events)).toEqual(['a']);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('an ERROR event', () => {
  it.each<[string, object, string]>([
    ['410: the version is forgotten', { kind: 'Status', code: 410, reason: 'Expired' }, 'Gone'],
    ['429', { kind: 'Status', code: 429, reason: 'TooManyRequests' }, 'TooManyRequests'],
    ['500', { kind: 'Status', code: 500, reason: 'InternalError' }, 'ServerError'],
    ['without a code', { message: 'hunter2' }, 'ServerError'],
  ])('%s', async (_, status, code) => {
    const { error } = await read(chunksOf(Buffer.from(line('ERROR', status))));
    expect(error?.code).toBe(code);
    expect(error?.message).not.toContain('hunter2');
  });

  it('takes nothing from what came before it in the same chunk', async () => {
    const both = line('ADDED', pod('a')) + line('ERROR', { code: 410 }) + line('ADDED', pod('never'));
    const { events, error } = await read(chunksOf(Buffer.from(both)));
    expect(names(events)).toEqual(['a']);
    expect(error?.code).toBe('Gone');
  });
});

describe('a line that is no event', () => {
  it.each<[string, string]>([
    ['no JSON', 'hunter2\n'],
    ['JSON that is no object', '"hunter2"\n'],
    ['another type', line('HUNTER2', pod('a'))],
    ['no object', `${JSON.stringify({ type: 'ADDED' })}\n`],
    ['no metadata', line('ADDED', { spec: 'hunter2' })],
  ])('%s', async (_, text) => {
    const { error } = await read(chunksOf(Buffer.from(text)));
    expect(error?.code).toBe('BadResponse');
    expect(`${error?.message} ${String(error?.cause)}`).not.toContain('hunter2');
  });

  it('without an end is given up before the memory is', async () => {
    const megabyte = Buffer.alloc(1_048_576, 'x');
    async function* endless(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 1000; i += 1) yield megabyte;
    }
    const { error } = await read(endless());
    expect(error).toMatchObject({ code: 'BadResponse', message: 'WATCH pods: a line is too long' });
  });
});

it('what breaks the connection is passed on', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from(line('ADDED', pod('a')));
    throw new KubeError({ code: 'Unreachable', message: 'cut' });
  }
  const { events, error } = await read(broken());
  expect(names(events)).toEqual(['a']);
  expect(error?.code).toBe('Unreachable');
});

async function* chunksOf(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
