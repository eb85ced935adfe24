import { describe, expect, test } from 'vitest';
import { podPatch } from './json-patch.ts';
import { applyPatch, pod } from './test-support.ts';

const gates = [{ name: 'g' }];

describe('podPatch', () => {
  test('is empty for equal pods, even if they are copies', () => {
    const object = pod({ labels: { a: 'b' }, containers: [{ name: 'a', env: [{ name: 'A' }] }] });
    expect(podPatch(object, structuredClone(object))).toEqual([]);
  });

  test.each([
    [
      'adds a field that was missing',
      pod(),
      pod({ spec: { schedulingGates: gates } }),
      [{ op: 'add', path: '/spec/schedulingGates', value: gates }],
    ],
    [
      'replaces a field by adding it',
      pod({ labels: { a: '1' } }),
      pod({ labels: { a: '2' } }),
      [{ op: 'add', path: '/metadata/labels', value: { a: '2' } }],
    ],
    [
      'removes a field',
      pod({ annotations: { a: '1' } }),
      pod(),
      [{ op: 'remove', path: '/metadata/annotations' }],
    ],
    [
      'names the container by its place',
      pod({
        initContainers: [{ name: 'i', env: [{ name: 'A' }] }],
        containers: [{ name: 'a' }, { name: 'b' }],
      }),
      pod({ initContainers: [{ name: 'i' }], containers: [{ name: 'a' }, { name: 'b', envFrom: [{}] }] }),
      [
        { op: 'remove', path: '/spec/initContainers/0/env' },
        { op: 'add', path: '/spec/containers/1/envFrom', value: [{}] },
      ],
    ],
  ])('%s', (_, before, after, expected) => {
    const patch = podPatch(before, after);
    expect(patch).toEqual(expected);
    expect(applyPatch(before, patch)).toEqual(after);
  });

  test('never names a field that admission does not write', () => {
    const before = pod({ spec: { nodeName: 'a' }, containers: [{ name: 'a', image: 'x' }] });
    const after = pod({ spec: { nodeName: 'b' }, containers: [{ name: 'a', image: 'y' }] });
    expect(podPatch(before, after)).toEqual([]);
  });

  test('carries __proto__ as a key like any other', () => {
    const after = JSON.parse('{"metadata":{"labels":{"__proto__":"x"}},"spec":{"containers":[]}}');
    const patch = podPatch(JSON.parse('{"metadata":{},"spec":{"containers":[]}}'), after);
    expect(JSON.stringify(patch)).toBe('[{"op":"add","path":"/metadata/labels","value":{"__proto__":"x"}}]');
  });
});

describe('the applier of these tests', () => {
  test('is strict about what must be there', () => {
    expect(() => applyPatch({}, [{ op: 'remove', path: '/a' }])).toThrow('nothing to remove');
    expect(() => applyPatch({}, [{ op: 'add', path: '/a/b', value: 1 }])).toThrow('no a in /a/b');
  });

  test('unescapes pointers and leaves its input alone', () => {
    const document = { 'a/b': { '~': 1 } };
    expect(applyPatch(document, [{ op: 'add', path: '/a~1b/~0', value: 2 }])).toEqual({ 'a/b': { '~': 2 } });
    expect(document).toEqual({ 'a/b': { '~': 1 } });
  });
});
