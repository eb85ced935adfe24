import { ReleaseError } from './errors.ts';

const UNRELEASED = '## [Unreleased]\n';

/**
 * Pure: CHANGELOG.md with what stands under Unreleased under the version instead, and that part alone, as notes for the
 * release. Throws ReleaseError if there is nothing to say, or the version has a part already.
 */
export function released(
  changelog: string,
  version: string,
  date: string,
): { readonly changelog: string; readonly notes: string } {
  const [before, after] = split(changelog);
  if (changelog.includes(`\n## [${version}]`))
    throw new ReleaseError(`CHANGELOG.md has a part for ${version} already`);
  const next = after.search(/^## \[/m);
  const [own, older] = next === -1 ? [after, ''] : [after.slice(0, next), after.slice(next)];
  const notes = own.trim();
  if (!/^- /m.test(notes))
    throw new ReleaseError('CHANGELOG.md says nothing under Unreleased: what is new for whoever upgrades?');
  const part = `## [${version}] - ${date}\n\n${notes}\n`;
  return { changelog: `${before}${UNRELEASED}\n${part}${older && `\n${older}`}`, notes: `${notes}\n` };
}

function split(changelog: string): [before: string, after: string] {
  const at = changelog.indexOf(UNRELEASED);
  if (at === -1) throw new ReleaseError('CHANGELOG.md has no line ## [Unreleased]');
  return [changelog.slice(0, at), changelog.slice(at + UNRELEASED.length)];
}
