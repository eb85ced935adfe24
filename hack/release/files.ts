import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../image/inputs.ts';
import { released } from './changelog.ts';
import { ReleaseError } from './errors.ts';

/** Every place where the version stands, as the lines with it; each is there exactly once. */
const PLACES: readonly (readonly [file: string, line: RegExp])[] = [
  ['package.json', /^ {2}"version": "(.+)",$/gm],
  ['package-lock.json', /^ {2}"version": "(.+)",$/gm],
  ['package-lock.json', /^ {4}"": \{\n {6}"name": "fairlead",\n {6}"version": "(.+)",$/gm],
  ['charts/fairlead/Chart.yaml', /^version: (.+)$/gm],
  ['charts/fairlead/Chart.yaml', /^appVersion: (.+)$/gm],
];

/** The version at each of its places; all must be the same. Throws ReleaseError where one is missing. */
export function versions(read = readText): readonly string[] {
  return PLACES.map(([file, line]) => {
    const found = [...read(file).matchAll(line)];
    const [only] = found;
    if (only?.[1] === undefined || found.length > 1)
      throw new ReleaseError(`${file} must have one line like ${line.source}`);
    return only[1];
  });
}

/** Pure but for reading: the files that a release changes, with their new texts. Throws ReleaseError. */
export function releaseFiles(
  version: string,
  date: string,
  read = readText,
): { readonly files: ReadonlyMap<string, string>; readonly notes: string } {
  versions(read);
  const { changelog, notes } = released(read('CHANGELOG.md'), version, date);
  const files = new Map([['CHANGELOG.md', changelog]]);
  for (const [file, line] of PLACES) {
    const text = files.get(file) ?? read(file);
    files.set(
      file,
      text.replace(line, (found: string, old: string) => {
        const at = found.lastIndexOf(old);
        return found.slice(0, at) + version + found.slice(at + old.length);
      }),
    );
  }
  return { files, notes };
}

function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
