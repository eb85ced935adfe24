import { randomBytes } from 'node:crypto';

/**
 * A secret value to be looked for: whatever is put around it, the core is made of letters and digits, so that JSON, YAML
 * and URLs write it as it is.
 */
export interface Planted {
  readonly value: string;
  readonly core: string;
}

export function plant(around: (core: string) => string = (core) => core): Planted {
  const core = `pl4nt${randomBytes(12).toString('hex')}`;
  return { value: around(core), core };
}

/** How the text holds the value: plain (URL-encoded, too), base64 (of something longer, too), hex. Empty: it does not. */
export function formsIn(text: string, { core }: Planted): string[] {
  const lower = text.toLowerCase();
  const bytes = Buffer.from(core);
  return [
    ...(text.includes(core) ? ['plain'] : []),
    ...([0, 1, 2].some((shift) => text.includes(base64Core(bytes, shift))) ? ['base64'] : []),
    ...(lower.includes(bytes.toString('hex')) ? ['hex'] : []),
    ...(lower.includes(percent(bytes)) ? ['URL-encoded'] : []),
  ];
}

/** The characters that only these bytes decide, after `shift` bytes of something else. */
function base64Core(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const unclean = (shift + bytes.length) % 3 === 0 ? 0 : 1;
  return text.slice(shift === 0 ? 0 : shift + 1, text.length - unclean);
}

const percent = (bytes: Buffer): string => [...bytes].map((byte) => `%${byte.toString(16)}`).join('');

/** What of `seen` holds one of the values, and how; the values themselves are not in it. */
export function leaks(seen: Readonly<Record<string, string>>, values: readonly Planted[]): string[] {
  return Object.entries(seen).flatMap(([where, text]) =>
    values.flatMap((planted, at) => formsIn(text, planted).map((form) => `${where}: value ${at}, ${form}`)),
  );
}
