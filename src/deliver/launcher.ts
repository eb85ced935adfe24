/**
 * One word for Spark's launcher (CommandBuilderUtils.parseOptionString): within double quotes a backslash takes the next
 * character as it is, and everything else stands for itself, line feeds, `$` and single quotes too.
 */
export function launcherWord(word: string): string {
  if (PLAIN.test(word)) return word;
  return `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
}

const PLAIN = /^[A-Za-z0-9._:=${}-]+$/;

/**
 * Whether words of ours can stand between these texts, each in its place: outside of quotes, with white space around
 * them, and with every quote closed in the end. Else the launcher takes ours for a part of theirs, or gives up with an
 * error that quotes all of it.
 */
export function leavesWordsAlone(texts: readonly string[]): boolean {
  const last = texts.length - 1;
  return texts.every((text, i) => {
    const { isOpen, inWord } = readWords(text);
    const startsApart = i === 0 || SPACE.test(text[0] ?? '') || (text === '' && i === last);
    return startsApart && !isOpen && (i === last || !inWord);
  });
}

/** What of Java's white space nobody doubts. Anything else counts as part of a word: it may be one. */
const SPACE = /^[ \t\n\v\f\r]$/;

/** CommandBuilderUtils.parseOptionString, as far as how it ends. */
function readWords(text: string): { readonly isOpen: boolean; readonly inWord: boolean } {
  let quote = '';
  let [escaped, inWord] = [false, false];
  for (const character of text) {
    if (escaped) escaped = false;
    else if (character === '\\' && quote !== "'") [escaped, inWord] = [true, true];
    else if (character === quote) quote = '';
    else if (quote !== '') continue;
    else if (character === '"' || character === "'") [quote, inWord] = [character, true];
    else inWord = !SPACE.test(character);
  }
  return { isOpen: escaped || quote !== '', inWord };
}
