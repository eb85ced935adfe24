const UID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

/**
 * The first line that the page shows and that was not printed, in this order; undefined if there is none. Widths of
 * columns and uids may differ, and more may be printed than is shown.
 */
export function missingLine(shown: string, printed: string): string | undefined {
  const seen = gist(printed);
  let from = 0;
  return gist(shown).find((line) => {
    const found = seen.indexOf(line, from);
    from = found + 1;
    return found < 0;
  });
}

const gist = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' ').replaceAll(UID, 'UID'))
    .filter(Boolean);
