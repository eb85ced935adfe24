import { describe, expect, it } from 'vitest';
import { fixOf, REASONS } from '../../api/reasons.ts';
import { statusText, testText } from './text.ts';

describe('the fix', () => {
  it.each(Object.entries(REASONS))('of %s is that of the table', (reason, { fix }) => {
    expect(fixOf(reason)).toBe(fix);
  });
  it.each(['Unheard', 'constructor', undefined])('of %s is not known', (reason) => {
    expect(fixOf(reason)).toBeUndefined();
  });
});

describe('a test', () => {
  it('that failed shows its steps and what to do', () => {
    const text = testText('v', {
      ...{ ok: false, reason: 'PermissionDenied', message: 'no read on the path' },
      steps: [
        { name: 'Login', outcome: 'Passed', message: 'appRole' },
        { name: 'Read', outcome: 'Failed', message: 'HTTP 403' },
        { name: 'Keys', outcome: 'Skipped' },
      ],
    });
    expect(text).toBe(
      [
        'STEP    OUTCOME   MESSAGE',
        'Login   Passed    appRole',
        'Read    Failed    HTTP 403',
        'Keys    Skipped   -',
        '',
        'Integration: v',
        'Result:      not ok (PermissionDenied)',
        'Message:     no read on the path',
        `Fix:         ${REASONS.PermissionDenied.fix}\n`,
      ].join('\n'),
    );
  });

  it('that passed says what was found', () => {
    const text = testText('v', {
      ok: true,
      reason: 'Connected',
      keyCount: 0,
      mount: 'kv',
      authMethod: 'token',
    });
    expect(text).toMatch(/Result: +ok\nLogin: +token\nMount: +kv\nKeys: +0\n$/);
  });
});

describe('a status', () => {
  const spec = { host: 'https://v', path: 'secret/data/a' } as never;
  const condition = {
    type: 'Ready',
    status: 'False',
    reason: 'Sealed',
    message: 'm',
    lastTransitionTime: '',
  } as const;
  it.each([
    ['nothing yet', {}, 'has not looked at it yet'],
    ['the fix', { observedGeneration: 1, conditions: [condition] }, `Fix:         ${REASONS.Sealed.fix}`],
    ['that it is old', { observedGeneration: 0, conditions: [condition] }, 'about an older version'],
  ])('tells %s', (_, status, text) => {
    expect(statusText({ metadata: { name: 'v', generation: 1 }, spec, status })).toContain(text);
  });
});
