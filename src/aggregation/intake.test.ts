import { describe, expect, it } from 'vitest';
import { takeDeleteOptions, takeObject, type IntakeOptions } from './intake.ts';
import { placeholders } from './test-support.ts';

const { resource } = placeholders();
const options: IntakeOptions = {
  group: 'g.example.com',
  version: 'v1',
  resource,
  fieldValidation: 'Warn',
  namespace: 'team-a',
};
const bad = (message: string) =>
  expect.objectContaining({ code: 'BadRequest', message: expect.stringContaining(message) });
const take = (raw: unknown, more: Partial<IntakeOptions> = {}) => takeObject(raw, { ...options, ...more });

describe('an object', () => {
  it('gets the namespace of the request, and of an update its name', () => {
    expect(take({ metadata: { name: 'x' } }).body.metadata).toEqual({ name: 'x', namespace: 'team-a' });
    expect(take({}, { name: 'x' }).body.metadata).toEqual({ name: 'x', namespace: 'team-a' });
    expect(take({ metadata: { namespace: '', name: 'x' } }).body.metadata).toMatchObject({
      namespace: 'team-a',
    });
  });

  it('comes without copies of itself', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{"spec":{"value":"hunter2"}}',
    };
    const taken = (more: object) =>
      take({ metadata: { name: 'x', managedFields: [{}], annotations: { ...annotations, ...more } } });
    expect(taken({}).body.metadata).toEqual({ name: 'x', namespace: 'team-a' });
    expect(taken({ a: 'b' }).body.metadata).toMatchObject({ annotations: { a: 'b' } });
    expect(JSON.stringify(taken({ a: 'b' }))).not.toContain('hunter2');
  });

  it('keeps version and uid: what they mean is for the kind to say', () => {
    const metadata = { name: 'x', resourceVersion: '1', uid: 'u', labels: { a: 'b' } };
    expect(take({ metadata }).body.metadata).toEqual({ ...metadata, namespace: 'team-a' });
  });

  const typo = { metadata: { name: 'x', nmae: 'y' }, spec: { color: 'red', colour: 'red' } };
  it('loses what nobody knows, with a warning', () => {
    const { body, warnings } = take(typo);
    expect(body).toEqual({ metadata: { name: 'x', namespace: 'team-a' }, spec: { color: 'red' } });
    expect(warnings).toEqual(['unknown field "metadata.nmae"', 'unknown field "spec.colour"']);
    expect(take(typo, { fieldValidation: 'Ignore' })).toEqual({ body, warnings: [] });
  });

  it('is refused for it if that is wanted', () => {
    expect(() => take(typo, { fieldValidation: 'Strict' })).toThrow(
      bad('unknown field "metadata.nmae", unknown field "spec.colour"'),
    );
  });

  it.each<[string, unknown, string]>([
    ['no object', 'hunter2', 'must be an object'],
    ['a list', [], 'must be an object'],
    ['null', null, 'must be an object'],
    ['another kind', { kind: 'Secret' }, 'must be a Placeholder'],
    ['another version', { apiVersion: 'v1' }, 'must be a Placeholder'],
    ['metadata of another type', { metadata: 'hunter2' }, 'metadata must be an object'],
    ['another namespace', { metadata: { namespace: 'team-b' } }, 'namespace of the object'],
  ])('is refused with %s', (_, raw, message) => {
    expect(() => take(raw)).toThrow(bad(message));
    expect(() => take(raw)).not.toThrow(/hunter2/);
  });

  it('is refused with another name than that of the request', () => {
    expect(() => take({ metadata: { name: 'y' } }, { name: 'x' })).toThrow(bad('the name of the object'));
  });
});

describe('DeleteOptions', () => {
  it.each<[string, unknown, boolean, boolean]>([
    ['are not needed', undefined, false, false],
    ['do not take back what the query says', {}, true, true],
    ['can say that it is a dry run', { kind: 'DeleteOptions', dryRun: ['All'] }, false, true],
    ['can leave it open', { kind: 'DeleteOptions', dryRun: null }, false, false],
  ])('%s', (_, raw, before, after) => {
    expect(takeDeleteOptions(raw, before).dryRun).toBe(after);
  });

  it.each([['x'], [[]], [{ kind: 'Pod' }], [{ dryRun: 'All' }], [{ dryRun: ['Some'] }]])(
    '%j are refused',
    (raw) => {
      expect(() => takeDeleteOptions(raw, false)).toThrow(bad(''));
    },
  );
});
