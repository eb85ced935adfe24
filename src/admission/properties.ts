/** One logical line of a Java properties file; `raw` is the text with its line ends, just as it stands there. */
export interface PropertyLine {
  readonly raw: string;
  /** Absent for comments and empty lines. */
  readonly property?: { readonly key: string; readonly value: string };
}

/**
 * The lines of a properties file as java.util.Properties reads them: escapes, `=`, `:` or white space after the key, and
 * lines that a backslash continues. All `raw` together are the file.
 */
export function propertyLines(text: string): readonly PropertyLine[] {
  const natural = text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  const lines: PropertyLine[] = [];
  for (let i = 0; i < natural.length; i++) {
    let raw = natural[i] ?? '';
    let content = bare(raw);
    if (content === '' || /^[#!]/.test(content)) {
      lines.push({ raw });
      continue;
    }
    // Pieces, put together once: whoever writes a line in half a million pieces must not hold up everybody else.
    const [raws, contents] = [[raw], [] as string[]];
    while (isContinued(content)) {
      contents.push(content.slice(0, -1));
      i++;
      raw = natural[i] ?? '';
      raws.push(raw);
      content = bare(raw);
    }
    contents.push(content);
    lines.push({ raw: raws.join(''), property: parse(contents.join('')) });
  }
  return lines;
}

/** Without its line end and the white space before it. */
function bare(line: string): string {
  return line.replace(/^[ \t\f]+/, '').replace(/[\r\n]+$/, '');
}

/** An odd number of backslashes at the end. */
function isContinued(content: string): boolean {
  let start = content.length;
  while (content[start - 1] === '\\') start--;
  return (content.length - start) % 2 === 1;
}

/** By hand: what tenants write can be a megabyte of anything, and a regular expression remembers each step. */
function parse(content: string): { key: string; value: string } {
  let end = 0;
  while (end < content.length && !/[=: \t\f]/.test(content[end] ?? '')) end += content[end] === '\\' ? 2 : 1;
  const [separator = ''] = /^[ \t\f]*(?:[=:][ \t\f]*)?/.exec(content.slice(end)) ?? [];
  return { key: unescape(content.slice(0, end)), value: unescape(content.slice(end + separator.length)) };
}

const CONTROL: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', from)) {
    const next = text[at + 1] ?? '';
    const hex = next === 'u' ? /^[0-9a-fA-F]{4}/.exec(text.slice(at + 2, at + 6))?.[0] : undefined;
    parts.push(text.slice(from, at), hex ? String.fromCharCode(parseInt(hex, 16)) : (CONTROL[next] ?? next));
    from = at + 2 + (hex?.length ?? 0);
  }
  parts.push(text.slice(from));
  return parts.join('');
}
