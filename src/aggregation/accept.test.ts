import { describe, expect, it } from 'vitest';
import { formOf, type Form } from './accept.ts';

const list = (accept: string) => formOf([accept], 'PartialObjectMetadataList');
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

describe('the form of an answer', () => {
  it.each<[string, Form | undefined]>([
    ['', 'object'],
    ['*/*', 'object'],
    ['application/json', 'object'],
    ['application/json, */*', 'object'],
    ['application/json;stream=watch', 'object'],
    // What kubectl get sends.
    [`${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, 'table'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json', 'object'],
    ['application/json;g=meta.k8s.io;as=Table;v=v1', 'table'],
    // What the metadata client sends.
    [
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
      'metadata',
    ],
    ['application/vnd.kubernetes.protobuf,application/json', 'object'],
    [`application/json;q=0.5,${TABLE};q=0.9`, 'table'],
    [`${TABLE};q=0`, undefined],
    ['application/vnd.kubernetes.protobuf', undefined],
    ['application/yaml', undefined],
    ['text/html', undefined],
    ['application/json;as=Table', undefined],
    ['application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', undefined],
    ['application/json;as=Table;v=v1;g=other', undefined],
  ])('for %j is %s', (accept, form) => {
    expect(list(accept)).toBe(form);
  });

  it('of one object is that of one', () => {
    const of = (as: string) =>
      formOf([`application/json;as=${as};v=v1;g=meta.k8s.io`], 'PartialObjectMetadata');
    expect([of('PartialObjectMetadata'), of('PartialObjectMetadataList')]).toEqual(['metadata', undefined]);
  });

  it('of a document is JSON or nothing', () => {
    expect(formOf(undefined, undefined)).toBe('object');
    expect(formOf([TABLE], undefined)).toBeUndefined();
    expect(formOf(['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'], undefined)).toBe(
      undefined,
    );
  });
});
