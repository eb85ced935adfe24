/** What a Markdown page links to, and what can be linked to in it, as GitHub has it. */

export interface Link {
  readonly line: number;
  readonly target: string;
}

/** The lines of a page outside of fenced code and comments, each with its number. */
function prose(markdown: string): readonly (readonly [number: number, text: string])[] {
  const lines: [number, string][] = [];
  let fence: string | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const mark = /^\s*(?:[-*>]\s+)?(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
    } else if (mark) fence = mark;
    else lines.push([index + 1, text]);
  }
  return lines;
}

/** Every link and image that leads to a file or a heading; addresses of other places are left out. */
export function linksOf(markdown: string): readonly Link[] {
  return prose(markdown).flatMap(([line, text]) => {
    const written = text.replaceAll(/`[^`]*`/g, (code) => 'x'.repeat(code.length));
    const inline = [...written.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
    const named = [...written.matchAll(/^\[[^\]]+\]:\s+(\S+)/g)];
    const html = [...written.matchAll(/\s(?:src|href)="([^"]+)"/g)];
    return [...inline, ...named, ...html]
      .map(([, target = '']) => ({ line, target }))
      .filter(({ target }) => !/^[a-z][-+.a-z0-9]*:/i.test(target));
  });
}

/** The anchors of a page: those of headings, of equal ones the later with a number, and those that are written out. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, text] of prose(markdown)) {
    for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)">/g)) anchors.add(id);
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What is shown of a heading, in lower case, without punctuation, with `-` for each space. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
