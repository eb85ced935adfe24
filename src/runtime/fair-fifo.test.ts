import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairFifo } from './fair-fifo.ts';

const namespaceOf = (key: string) => key.split('/', 1)[0] ?? '';

function drain(fifo: FairFifo): string[] {
  const out: string[] = [];
  for (let key = fifo.shift(); key !== undefined; key = fifo.shift()) out.push(key);
  return out;
}

describe('a fair queue', () => {
  it.each<[string, string[], string[]]>([
    ['keeps the order inside a group', ['a/1', 'a/2', 'a/3'], ['a/1', 'a/2', 'a/3']],
    ['lets groups take turns', ['a/1', 'a/2', 'a/3', 'b/1', 'b/2'], ['a/1', 'b/1', 'a/2', 'b/2', 'a/3']],
    [
      'lets a newcomer go after one key of each other group',
      ['a/1', 'a/2', 'b/1', 'b/2', 'c/1'],
      ['a/1', 'b/1', 'c/1', 'a/2', 'b/2'],
    ],
    ['is empty when it is empty', [], []],
  ])('%s', (_, pushed, expected) => {
    const fifo = new FairFifo(namespaceOf);
    for (const key of pushed) fifo.push(key);
    expect(fifo.size).toBe(pushed.length);
    expect(drain(fifo)).toEqual(expected);
    expect(fifo.size).toBe(0);
  });

  it('takes a key out of the middle', () => {
    const fifo = new FairFifo(namespaceOf);
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1']) fifo.push(key);
    fifo.delete('a/2');
    fifo.delete('a/2');
    fifo.delete('b/1');
    fifo.delete('nobody/knows');
    expect(drain(fifo)).toEqual(['a/1', 'a/3']);
  });

  it('goes on after it was empty', () => {
    const fifo = new FairFifo(namespaceOf);
    fifo.push('a/1');
    expect(drain(fifo)).toEqual(['a/1']);
    expect(fifo.shift()).toBeUndefined();
    fifo.push('a/1');
    fifo.push('a/2');
    expect(drain(fifo)).toEqual(['a/1', 'a/2']);
  });

  it('gives out exactly what went in, whatever comes between', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), key: fc.stringMatching(/^[abc]\/[0-9]$/) }),
      fc.record({ do: fc.constant('delete' as const), key: fc.stringMatching(/^[abc]\/[0-9]$/) }),
      fc.record({ do: fc.constant('shift' as const), key: fc.constant('') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const fifo = new FairFifo(namespaceOf);
        const model = new Set<string>();
        for (const { do: what, key } of steps) {
          if (what === 'push' && !model.has(key)) {
            fifo.push(key);
            model.add(key);
          } else if (what === 'delete') {
            fifo.delete(key);
            model.delete(key);
          } else if (what === 'shift') {
            const got = fifo.shift();
            expect(got === undefined).toBe(model.size === 0);
            if (got !== undefined) expect(model.delete(got)).toBe(true);
          }
          expect(fifo.size).toBe(model.size);
        }
        expect(drain(fifo).sort()).toEqual([...model].sort());
      }),
    );
  });

  it('a group of one never waits for more than one key of each other group', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 }), (sizes) => {
        const fifo = new FairFifo(namespaceOf);
        sizes.forEach((size, group) => {
          for (let i = 0; i < size; i += 1) fifo.push(`g${group}/${i}`);
        });
        fifo.push('lonely/0');
        expect(drain(fifo).indexOf('lonely/0')).toBeLessThanOrEqual(sizes.length);
      }),
    );
  });
});
