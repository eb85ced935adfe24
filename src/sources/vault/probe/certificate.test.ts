import { expect, it } from 'vitest';
import { certificateWords, namesOf } from './certificate.ts';

type Certificate = Parameters<typeof certificateWords>[0];
const CASES: Record<string, [given: object, words: string | undefined]> = {
  'issuer and day': [
    { issuer: { CN: 'vault-ca' }, valid_to: 'Jan  2 03:04:05 2030 GMT' },
    'the certificate was issued by "vault-ca", good until 2030-01-02',
  ],
  'an organisation without a name': [{ issuer: { O: 'ACME' } }, 'the certificate was issued by "ACME"'],
  'several names': [{ issuer: { CN: ['a', 'b'] } }, 'the certificate was issued by "a"'],
  'a day that is none': [{ issuer: { CN: 'a' }, valid_to: 'never' }, 'the certificate was issued by "a"'],
  'text with tricks': [
    { issuer: { CN: 'a"\n\u001b[31m' } },
    'the certificate was issued by "a\\"\\n\\u001b[31m"',
  ],
  'a long one': [{ issuer: { CN: 'a'.repeat(999) } }, `the certificate was issued by "${'a'.repeat(200)}…"`],
  nothing: [{}, undefined],
};
for (const [what, [given, words]] of Object.entries(CASES)) {
  it(what, () => expect(certificateWords(given as Certificate)).toBe(words));
}

it('the names that it is for', () => {
  const error = Object.assign(new Error('x'), { cert: { subjectaltname: 'DNS:vault.internal' } });
  expect(namesOf(error)).toBe('it is for "DNS:vault.internal"');
  expect(namesOf(new Error('x'))).toBeUndefined();
});
