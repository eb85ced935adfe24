import { ReleaseError } from './errors.ts';

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-rc\.([1-9]\d*))?$/;

/**
 * Whether a version may follow the one in package.json, which may be released itself, once. `1.2.3` and `1.2.3-rc.1`
 * are versions here. Throws ReleaseError.
 */
export function checkVersion(wanted: string, current: string, tags: readonly string[]): void {
  const tag = `v${wanted}`;
  if (!VERSION.test(wanted))
    throw new ReleaseError(
      wanted === ''
        ? 'VERSION is needed: make release VERSION=1.2.3'
        : `VERSION must look like 1.2.3 or 1.2.3-rc.1`,
    );
  if (tags.includes(tag)) throw new ReleaseError(`the tag ${tag} is there already; choose a higher version`);
  if (compare(wanted, current) < 0)
    throw new ReleaseError(`${wanted} is lower than ${current}, the version in package.json`);
}

/** Below 0 if `a` comes before `b`. A release candidate comes before its release. */
export function compare(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const at = left.findIndex((part, i) => part !== right[i]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

function partsOf(version: string): number[] {
  const match = VERSION.exec(version);
  if (!match) throw new ReleaseError(`package.json has a version that is none: ${version}`);
  const [, major, minor, patch, candidate] = match;
  return [
    Number(major),
    Number(minor),
    Number(patch),
    candidate === undefined ? Infinity : Number(candidate),
  ];
}
