import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODES } from './codes.ts';

const page = readFileSync(new URL('../../../docs/kubectl.md', import.meta.url), 'utf8');
const rows = new Map(
  page.split('\n').flatMap((line) => {
    const [, code = '', severity = '', meaning = ''] =
      /^\| `(\w+)` +\| (\w+) +\| (.*?) +\|$/.exec(line) ?? [];
    return code === '' ? [] : [[code, { severity, meaning }] as const];
  }),
);

describe('docs/kubectl.md', () => {
  it.each(Object.entries(CODES))('has the code %s as it is', (code, { severity, meaning }) => {
    expect(rows.get(code)).toEqual({ severity, meaning });
  });

  it('has no others', () => {
    expect([...rows.keys()]).toEqual(Object.keys(CODES));
  });
});
