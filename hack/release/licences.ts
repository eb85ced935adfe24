/**
 * A check of `make verify`: every production dependency of package-lock.json has a licence under which it can be handed
 * on with Fairlead, which is Apache-2.0.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../image/inputs.ts';
import { type Lock, production } from '../image/sbom.ts';

/** SPDX identifiers that ask for no more than a notice. A further one is a decision: say why in the commit. */
const ALLOWED: ReadonlySet<string> = new Set([
  ...['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT'],
  ...['MIT-0', 'PSF-2.0', 'Python-2.0', 'Unlicense', 'Zlib'],
]);

/** Whether an SPDX expression lets us hand the package on: one side of an OR will do, both sides of an AND must. */
export function isAllowed(expression: string): boolean {
  const plain = expression.trim().replace(/^\((?<inner>[^()]*)\)$/, '$<inner>');
  // Nested expressions are read by people.
  if (/[()]/.test(plain)) return false;
  return plain.split(' OR ').some((choice) => choice.split(' AND ').every((id) => ALLOWED.has(id.trim())));
}

/** Each production dependency with a licence that is not allowed or not told, as `name version: licence`. */
export function refused(lock: Lock): string[] {
  return Object.entries(production(lock).packages)
    .filter(([path]) => path !== '')
    .map(([path, { version, license }]) => {
      const name = path.replace(/^.*node_modules\//, '');
      return { name, version, license: typeof license === 'string' ? license : '' };
    })
    .filter(({ license }) => !isAllowed(license))
    .map(({ name, version, license }) => `${name} ${version}: ${license === '' ? 'no licence' : license}`);
}

if (import.meta.main) {
  const found = refused(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock);
  if (found.length > 0) {
    console.error(['licences that hack/release/licences.ts does not allow:', ...found].join('\n  '));
    process.exitCode = 1;
  }
}
