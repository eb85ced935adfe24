import { glob, readFile } from 'node:fs/promises';

/** A fenced block of a page. */
export interface Block {
  /** From the root of the repository: `docs/vault.md`. */
  readonly page: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** Empty where the fence names none. */
  readonly language: string;
  /** Without the fences and their indentation. */
  readonly text: string;
  /** What the HTML comment directly above it says; a blank line may stand between. */
  readonly marker: string | undefined;
}

export const ROOT = new URL('../../../', import.meta.url).pathname;
const FENCE = /^(\s*)(`{3,}|~{3,})\s*([^\s`]*)/;
const COMMENT = /^\s*<!--\s*(.*?)\s*-->\s*$/;

/** The blocks of a page's text, in their order. Throws if the last one is not closed. */
export function blocksOf(page: string, text: string): Block[] {
  const lines = text.split('\n');
  const found: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence = '', language = ''] = FENCE.exec(lines[at] ?? '') ?? [];
    if (fence === '') continue;
    const end = lines.findIndex((line, index) => index > at && closes(line, fence));
    if (end < 0) throw new Error(`${page}:${at + 1}: the block is not closed`);
    const body = lines.slice(at + 1, end).map((line) => dedent(line, indent.length));
    found.push({ page, line: at + 1, language, text: lined(body), marker: markerAbove(lines, at) });
    at = end;
  }
  return found;
}

/** The text of every page, `docs/**` and README.md, by its path. */
export async function pages(): Promise<Map<string, string>> {
  const docs: string[] = [];
  for await (const page of glob('docs/**/*.md', { cwd: ROOT })) docs.push(page);
  const all = ['README.md', ...docs.toSorted()];
  return new Map(
    await Promise.all(all.map(async (page) => [page, await readFile(ROOT + page, 'utf8')] as const)),
  );
}

/** Every block of every page. */
export async function allBlocks(): Promise<Block[]> {
  return Array.from(await pages(), ([page, text]) => blocksOf(page, text)).flat();
}

const closes = (line: string, fence: string) => {
  const bare = line.trim();
  return bare.length >= fence.length && bare === (fence[0] ?? '').repeat(bare.length);
};

const dedent = (line: string, by: number) => line.slice(Math.min(by, line.length - line.trimStart().length));

const lined = (body: readonly string[]) => body.map((line) => `${line}\n`).join('');

function markerAbove(lines: readonly string[], fence: number): string | undefined {
  const above = lines[fence - 1]?.trim() === '' ? lines[fence - 2] : lines[fence - 1];
  return COMMENT.exec(above ?? '')?.[1];
}
