/**
 * One word for Spark's launcher (CommandBuilderUtils.parseOptionString): within double quotes a backslash takes the next
 * character as it is, and everything else stands for itself, line feeds, `$` and single quotes too.
 */
export function launcherWord(word: string): string {
  if (PLAIN.test(word)) return word;
  return `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
}

const PLAIN = /^[A-Za-z0-9._:=${}-]+$/;
