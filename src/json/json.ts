/**
 * JSON as it was written. JSON.parse would round numbers (9007199254740993), sort keys that look like numbers
 * and treat `__proto__` specially; a secret must arrive as it was stored.
 */
export type Json = string | boolean | null | JsonNumber | readonly Json[] | JsonMap;
export type JsonMap = ReadonlyMap<string, Json>;
export interface JsonNumber {
  /** The digits as they stood in the text. */
  readonly number: string;
}

/** Deeper than any secret; bounds the stack. */
const MAX_DEPTH = 256;

/** The value of a JSON text, or undefined if it is none. Never throws: an error would quote the text. */
export function parseJson(text: string): Json | undefined {
  try {
    // The engine checks the grammar, so the reader below need not.
    JSON.parse(text);
    return new Reader(text).value(0);
  } catch {
    return undefined;
  }
}

/** A value as it goes into an environment variable: strings as they are, everything else as its JSON text. */
export function plain(value: Json): string {
  return typeof value === 'string' ? value : compact(value);
}

/** Follows keys into nested objects. */
export function at(value: Json | undefined, ...keys: readonly string[]): Json | undefined {
  let found = value;
  for (const key of keys) found = isMap(found) ? found.get(key) : undefined;
  return found;
}

/** A number that fits into a double exactly enough for durations and versions. */
export function numberAt(value: Json | undefined, ...keys: readonly string[]): number | undefined {
  const found = at(value, ...keys);
  return isNumber(found) ? Number(found.number) : undefined;
}

export function isMap(value: Json | undefined): value is JsonMap {
  return value instanceof Map;
}

function isNumber(value: Json | undefined): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'number' in value;
}

/** As plain(), or undefined as soon as it is clear that it has more than `max` characters. */
export function plainUpTo(value: Json, max: number): string | undefined {
  if (typeof value === 'string') return value.length > max ? undefined : value;
  let text = '';
  for (const piece of pieces(value)) {
    text += piece;
    if (text.length > max) return undefined;
  }
  return text;
}

function compact(value: Json): string {
  return [...pieces(value)].join('');
}

/** The JSON text in parts. */
function* pieces(value: Json): Generator<string> {
  if (isNumber(value)) yield value.number;
  else if (isMap(value)) {
    let before = '{';
    for (const [key, item] of value) {
      yield `${before}${JSON.stringify(key)}:`;
      yield* pieces(item);
      before = ',';
    }
    yield value.size === 0 ? '{}' : '}';
  } else if (Array.isArray(value)) {
    let before = '[';
    for (const item of value as readonly Json[]) {
      yield before;
      yield* pieces(item);
      before = ',';
    }
    yield value.length === 0 ? '[]' : ']';
  } else yield JSON.stringify(value);
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[-+.0-9A-Za-z]+/y;
const LITERALS = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Reads text that is known to be JSON. */
class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new RangeError('too deep');
    switch (this.#peek()) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default: {
        const word = this.#match(SCALAR);
        const literal = LITERALS.get(word);
        return literal === undefined ? { number: word } : literal;
      }
    }
  }

  #object(depth: number): JsonMap {
    const map = new Map<string, Json>();
    this.#list('}', () => {
      const key = this.#string();
      this.#peek();
      this.#position += 1; // the colon
      // A key that is written twice: the last one wins, as in Vault and in JSON.parse.
      map.set(key, this.value(depth + 1));
    });
    return map;
  }

  #array(depth: number): readonly Json[] {
    const items: Json[] = [];
    this.#list(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  /** From the opening bracket past the closing one; `item` reads what stands between the commas. */
  #list(close: string, item: () => void): void {
    this.#position += 1;
    while (this.#peek() !== close) {
      item();
      if (this.#peek() === ',') this.#position += 1;
      this.#peek();
    }
    this.#position += 1;
  }

  #string(): string {
    const start = this.#position;
    let end = start;
    do end = this.#text.indexOf('"', end + 1);
    while (this.#isEscaped(end));
    this.#position = end + 1;
    return JSON.parse(this.#text.slice(start, end + 1)) as string;
  }

  /** A quote is escaped if the backslashes before it are odd in number. */
  #isEscaped(quote: number): boolean {
    let first = quote;
    while (this.#text[first - 1] === '\\') first -= 1;
    return (quote - first) % 2 === 1;
  }

  #peek(): string {
    this.#match(SPACE);
    return this.#text[this.#position] ?? '';
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const [found = ''] = pattern.exec(this.#text) ?? [];
    this.#position += found.length;
    return found;
  }
}
