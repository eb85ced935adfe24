import { describe, expect, it } from 'vitest';
import { KubeError, type KubeErrorCode } from '../kube/errors.ts';
import { isGone } from './gone.ts';

const error = (code: KubeErrorCode, serverMessage?: string) =>
  new KubeError({ code, message: 'x', serverMessage });

describe('the object that we mean is gone', () => {
  it.each([
    ['it is not found', error('NotFound'), true],
    [
      'another one has its name (422)',
      error('Invalid', 'Pod "x" is invalid: metadata.uid: Invalid value: "a": field is immutable'),
      true,
    ],
    [
      'another one has its name (409)',
      error('Conflict', 'Precondition failed: UID in precondition: a, UID in object meta: b'),
      true,
    ],
    [
      "somebody's policy refuses the patch (422)",
      error('Invalid', "ValidatingAdmissionPolicy 'x' denied request: no"),
      false,
    ],
    [
      'the API server ran out of retries (409)',
      error('Conflict', 'the object has been modified; please apply your changes'),
      false,
    ],
    ['the server said nothing', error('Invalid'), false],
    ['we may not', error('Forbidden', 'metadata.uid'), false],
    ['there was no answer', error('Unreachable'), false],
    ['it is no error of the API server', new Error('metadata.uid'), false],
  ])('%s: %s', (_, thrown, gone) => {
    expect(isGone(thrown)).toBe(gone);
  });
});
