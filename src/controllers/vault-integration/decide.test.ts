import { describe, expect, it } from 'vitest';
import type { Integration } from '../objects.ts';
import { elderOf, integrationOutcome, statusFields } from './decide.ts';

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
const failed = (reason: 'Sealed' | 'NotSupportedHere') =>
  ({ kind: 'failed', location: 'x', reason, message: 'why', retryAfterMs: 5000 }) as const;

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
    expect(integrationOutcome(fields, undefined, 1000)).toEqual({
      kind: 'done',
      reason: 'Connected',
      message: '2 keys at secret/data/app',
      afterMs: 1000,
    });
  });

  it('waits for what can pass by itself', () => {
    expect(integrationOutcome(failed('Sealed'), undefined, 1000)).toEqual({
      kind: 'waiting',
      reason: 'Sealed',
      message: 'why',
      afterMs: 5000,
    });
  });

  it('is stalled by what somebody must change', () => {
    expect(integrationOutcome(failed('NotSupportedHere'), undefined, 1000)).toMatchObject({
      kind: 'stalled',
      reason: 'NotSupportedHere',
    });
  });

  it('is stalled while another one has its display name', () => {
    expect(integrationOutcome(fields, old, 1000)).toMatchObject({
      kind: 'stalled',
      reason: 'NameConflict',
      message: expect.stringContaining('old'),
    });
  });

  it('shows the path as it was understood, the method that worked and the number of keys', () => {
    expect(statusFields('/v1/team/kv/data/app/db', fields)).toEqual({
      mount: 'team/kv',
      secretPath: 'app/db',
      authMethod: 'appRole',
      keyCount: 2,
    });
  });

  it('takes back what it does not know any more', () => {
    expect(statusFields('secret/data/app', failed('Sealed'))).toEqual({
      mount: 'secret',
      secretPath: 'app',
      authMethod: undefined,
      keyCount: undefined,
    });
  });
});
