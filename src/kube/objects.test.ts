import { describe, expect, it } from 'vitest';
import { collectionPath, keyOf, objectPath, splitKey, type ObjectRef, type Resource } from './objects.ts';

const pods: Resource = { group: '', version: 'v1', plural: 'pods', namespaced: true };
const nodes: Resource = { group: '', version: 'v1', plural: 'nodes', namespaced: false };
const leases: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespaced: true };

describe('keys', () => {
  it.each<[string, { namespace?: string; name: string }, string]>([
    ['in a namespace', { namespace: 'team-a', name: 'x' }, 'team-a/x'],
    ['without one', { name: 'x' }, 'x'],
  ])('%s', (_, metadata, key) => {
    expect(keyOf({ metadata })).toBe(key);
    expect(splitKey(key)).toEqual(metadata);
  });

  it('an empty namespace is none', () => {
    expect(keyOf({ metadata: { namespace: '', name: 'x' } })).toBe('x');
  });
});

describe('paths', () => {
  it.each<[string, string, string]>([
    ['of the core group', collectionPath(pods, 'team-a'), '/api/v1/namespaces/team-a/pods'],
    ['of all namespaces', collectionPath(pods), '/api/v1/pods'],
    ['without namespaces', collectionPath(nodes, 'ignored'), '/api/v1/nodes'],
    ['of a group', collectionPath(leases, 'sys'), '/apis/coordination.k8s.io/v1/namespaces/sys/leases'],
    [
      'of an object',
      objectPath(leases, { namespace: 'sys', name: 'x' }),
      '/apis/coordination.k8s.io/v1/namespaces/sys/leases/x',
    ],
    [
      'of a subresource',
      objectPath(pods, { namespace: 'a', name: 'x', subresource: 'status' }),
      '/api/v1/namespaces/a/pods/x/status',
    ],
    ['of an object without a namespace', objectPath(nodes, { name: 'x' }), '/api/v1/nodes/x'],
    [
      'with characters that mean something in a URL',
      objectPath(nodes, { name: 'a/b?c#d%e:f' }),
      '/api/v1/nodes/a%2Fb%3Fc%23d%25e%3Af',
    ],
  ])('%s', (_, path, expected) => {
    expect(path).toBe(expected);
  });

  it.each<[string, Resource, ObjectRef]>([
    ['an empty name, which would mean all of them', pods, { namespace: 'a', name: '' }],
    ['a namespaced object without a namespace', pods, { name: 'x' }],
    ['an empty namespace', pods, { namespace: '', name: 'x' }],
    ['a dot', nodes, { name: '.' }],
    ['two dots', pods, { namespace: '..', name: 'x' }],
    ['an empty subresource', pods, { namespace: 'a', name: 'x', subresource: '' }],
  ])('refuse %s', (_, resource, ref) => {
    expect(() => objectPath(resource, ref)).toThrow(
      expect.objectContaining({ name: 'KubeError', code: 'BadRequest' }),
    );
  });
});
