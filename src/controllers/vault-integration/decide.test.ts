import { describe, expect, it } from 'vitest';
import type { Integration } from '../objects.ts';
import { LIMITS } from '../../api/names.ts';
import { elderOf, integrationOutcome, maybeFolder, statusFields, type Found } from './decide.ts';

const integration = (name: string, creationTimestamp: string): Integration => ({
  metadata: {
    name,
    namespace: 'fairlead-system',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp,
  },
  spec: { displayName: 'Vault', host: 'https://v', path: 'secret/data/app', domains: ['*'], auth: {} },
  status: undefined,
});
const old = integration('old', '2026-01-01T00:00:00Z');
const young = integration('young', '2026-01-02T00:00:00Z');
const twin = integration('twin', '2026-01-01T00:00:00Z');
const fields = {
  kind: 'fields',
  location: 'secret/data/app',
  fields: new Map([
    ['a', '1'],
    ['b', '2'],
  ]),
  version: 3,
  authMethod: 'appRole',
} as const;
const failed = (
  reason: 'Sealed' | 'NotSupportedHere' | 'PathNotFound' | 'PermissionDenied' | 'LoginFailed',
) => ({ kind: 'failed', location: 'x', reason, message: 'why', retryAfterMs: 5000 }) as const;
const found = (answer: Found['answer'], more: Partial<Found> = {}): Found => ({
  answer,
  seen: {},
  unusable: [],
  ...more,
});

describe('a display name', () => {
  it.each([
    ['belongs to the one that had it first', young, [young, old], 'old'],
    ['is not taken from its owner', old, [young, old], undefined],
    ['belongs to the first in the alphabet among equals', twin, [twin, old], 'old'],
    ['is free if nobody else has it', young, [young], undefined],
  ])('%s', (_, asking, all, elder) => {
    expect(elderOf(asking, all)?.metadata.name).toBe(elder);
  });
});

describe('an integration', () => {
  it('is connected if its path was read', () => {
    expect(integrationOutcome(found(fields), undefined, 1000)).toEqual({
      kind: 'done',
      reason: 'Connected',
      message: '2 keys at secret/data/app',
      afterMs: 1000,
    });
  });

  it('waits for what can pass by itself', () => {
    expect(integrationOutcome(found(failed('Sealed')), undefined, 1000)).toEqual({
      kind: 'waiting',
      reason: 'Sealed',
      message: 'why',
      afterMs: 5000,
    });
  });

  it('is stalled by what somebody must change', () => {
    expect(integrationOutcome(found(failed('NotSupportedHere')), undefined, 1000)).toMatchObject({
      kind: 'stalled',
      reason: 'NotSupportedHere',
    });
  });

  it('is stalled while another one has its display name', () => {
    expect(integrationOutcome(found(fields), old, 1000)).toMatchObject({
      kind: 'stalled',
      reason: 'NameConflict',
      message: expect.stringContaining('old'),
    });
  });

  it('says which methods did not work beside the one that did', () => {
    const unusable = [
      { method: 'jwt', reason: 'CredentialsMissing', message: 'there is no Secret a' },
    ] as const;
    const answer = { ...fields, passed: ['kubernetes: Vault does not know the role'] };
    expect(integrationOutcome(found(answer, { unusable }), undefined, 1000)).toMatchObject({
      reason: 'Connected',
      message:
        '2 keys at secret/data/app; logged in with appRole, not with jwt: there is no Secret a; kubernetes: Vault does not know the role',
    });
  });

  it('says so in at most a kibibyte', () => {
    const answer = { ...fields, passed: ['x'.repeat(5_000)] };
    const { message } = integrationOutcome(found(answer), undefined, 1000);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.messageBytes);
  });

  it('is connected if its path is a folder', () => {
    const folder = found(failed('PathNotFound'), { seen: { entries: 3 } });
    expect(integrationOutcome(folder, undefined, 1000)).toEqual({
      kind: 'done',
      reason: 'Connected',
      message: 'a folder with 3 entries at x; references name a secret in it with secret.path',
      afterMs: 1000,
    });
  });

  it.each([
    ['PathNotFound', true],
    ['PermissionDenied', true],
    ['Sealed', false],
    ['LoginFailed', false],
  ] as const)('that answers %s may be a folder: %s', (reason, may) => {
    expect(maybeFolder(failed(reason))).toBe(may);
  });

  it('that was read is no folder', () => {
    expect(maybeFolder(fields)).toBe(false);
  });

  it('shows the path as it was understood, the method that worked and the number of keys', () => {
    expect(statusFields('/v1/team/kv/data/app/db', found(fields))).toEqual({
      mount: 'team/kv',
      secretPath: 'app/db',
      authMethod: 'appRole',
      vaultVersion: undefined,
      keyCount: 2,
    });
  });

  it('shows what Vault tells of the path rather than what the path looks like', () => {
    const seen = { mount: 'team/data', secretPath: 'db', vaultVersion: '2.7.2', authMethod: 'token' };
    expect(statusFields('team/data/data/db', found(fields, { seen }))).toEqual({
      mount: 'team/data',
      secretPath: 'db',
      authMethod: 'appRole',
      vaultVersion: '2.7.2',
      keyCount: 2,
    });
  });

  it('shows the method that worked also if the path cannot be read', () => {
    const seen = { authMethod: 'kubernetes', vaultVersion: '2.7.2' };
    expect(statusFields('secret/data/app', found(failed('PermissionDenied'), { seen }))).toMatchObject({
      authMethod: 'kubernetes',
      vaultVersion: '2.7.2',
      keyCount: undefined,
    });
  });

  it('takes back what it does not know any more', () => {
    expect(statusFields('secret/data/app', found(failed('Sealed')))).toEqual({
      mount: 'secret',
      secretPath: 'app',
      authMethod: undefined,
      vaultVersion: undefined,
      keyCount: undefined,
    });
  });
});
