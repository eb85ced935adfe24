import { describe, expect, it } from 'vitest';
import { apiGroup, groupList, resourceList } from './discovery.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import { placeholders } from './test-support.ts';

const of = { group: 'keys.example.com', version: 'v1' };
const { resource } = placeholders();
// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
const document = openApiDocument(of, [resource]) as any;
const base = '/apis/keys.example.com/v1';
const one = `${base}/namespaces/{namespace}/placeholders/{name}`;
const many = `${base}/namespaces/{namespace}/placeholders`;

describe('discovery', () => {
  it('tells of the group and its version', () => {
    const version = { groupVersion: 'keys.example.com/v1', version: 'v1' };
    const group = { name: 'keys.example.com', versions: [version], preferredVersion: version };
    expect(apiGroup(of)).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...group });
    expect(groupList(of)).toEqual({ kind: 'APIGroupList', apiVersion: 'v1', groups: [group] });
  });

  it('tells of the verbs that are advertised, not of all that are served', () => {
    expect(resource.delete).toBeDefined();
    expect(resourceList(of, [resource, { ...resource, plural: 'others', shortNames: [] }])).toEqual({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'keys.example.com/v1',
      resources: [
        {
          ...{ name: 'placeholders', singularName: 'placeholder', namespaced: true, kind: 'Placeholder' },
          ...{ verbs: ['get', 'list', 'create', 'update'], shortNames: ['ph'] },
        },
        {
          ...{ name: 'others', singularName: 'placeholder', namespaced: true, kind: 'Placeholder' },
          verbs: ['get', 'list', 'create', 'update'],
        },
      ],
    });
  });
});

describe('the OpenAPI document', () => {
  it('is found through its index, by a hash that changes with it', () => {
    const url = (doc: object) => JSON.stringify(openApiIndex(of, doc));
    expect(openApiIndex(of, document)).toEqual({
      paths: {
        'apis/keys.example.com/v1': {
          serverRelativeURL: expect.stringMatching(
            /^\/openapi\/v3\/apis\/keys\.example\.com\/v1\?hash=[0-9A-F]{64}$/,
          ),
        },
      },
    });
    expect(url(document)).toBe(url(openApiDocument(of, [resource])));
    expect(url(document)).not.toBe(url(openApiDocument(of, [])));
  });

  it('has each path that is served', () => {
    expect(Object.keys(document.paths)).toEqual([`${base}/placeholders`, many, one]);
    expect(Object.keys(document.paths[many])).toEqual(['parameters', 'get', 'post']);
    expect(Object.keys(document.paths[one])).toEqual(['parameters', 'get', 'put', 'delete', 'patch']);
    const { list: _, get: __, update: ___, delete: ____, ...createOnly } = resource;
    const created = openApiDocument(of, [createOnly]) as typeof document;
    expect(Object.keys(created.paths)).toEqual([many, one]);
    expect(Object.keys(created.paths[one])).toEqual(['parameters', 'patch']);
  });

  it('says of every operation which kind it is about, and by a name of its own', () => {
    const operations = Object.values<Record<string, object>>(document.paths).flatMap((path) =>
      Object.entries(path).flatMap(([key, value]) =>
        key === 'parameters' ? [] : [value as Record<string, unknown>],
      ),
    );
    for (const operation of operations)
      expect(operation['x-kubernetes-group-version-kind']).toEqual({ ...of, kind: 'Placeholder' });
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says, where kubectl looks for it, that dry runs and the validation of fields are known', () => {
    const { patch } = document.paths[one];
    const names = patch.parameters.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldValidation']));
    expect(Object.keys(patch.responses)).toEqual(['405', 'default']);
  });

  it('has every schema that it refers to, with a description', () => {
    const { schemas } = document.components;
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    for (const [, name = ''] of refs) expect(schemas[name]?.description).toBeTruthy();
    expect(schemas['com.example.keys.v1.Placeholder']).toMatchObject({
      description: 'Holds a place.',
      properties: { apiVersion: {}, kind: {}, metadata: {}, spec: { properties: { value: {} } } },
      'x-kubernetes-group-version-kind': [{ ...of, kind: 'Placeholder' }],
    });
  });
});
