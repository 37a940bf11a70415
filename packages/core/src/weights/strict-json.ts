import { tesseraeError } from '@tesserae/registry';

/** What a JSON text may be at most before it is given to the parser. */
export interface JsonLimits {
  readonly maxDepth: number;
  /** Values in all: a text of a few bytes each takes many times its own size in memory. */
  readonly maxValues: number;
  /** What the text is, for messages: "config.json". */
  readonly what: string;
}

/** What came of a text: its value, or what is wrong with it. */
export type JsonResult = { readonly value: unknown } | { readonly problem: string; readonly duplicate: boolean };

interface Scan {
  readonly duplicate?: string;
  readonly tooDeep: boolean;
  readonly tooMany: boolean;
}

/** The index just past a string literal that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5c) i++;
    else if (c === 0x22) return i + 1;
  }
  return text.length;
}

function isKey(text: string, after: number): boolean {
  let i = after;
  while (i < text.length && ' \t\n\r'.includes(text[i])) i++;
  return text[i] === ':';
}

function keyOf(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal; // not JSON: the parser will say so
  }
}

/** One pass without recursion: finds a name that stands twice in one object (`JSON.parse` keeps the last silently). */
function scan(text: string, maxDepth: number, maxValues: number): Scan {
  const open: (Set<string> | undefined)[] = [];
  let duplicate: string | undefined;
  let values = 1;
  for (let i = 0; i < text.length;) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const end = endOfString(text, i);
      const keys = open[open.length - 1];
      if (keys && isKey(text, end)) {
        const key = keyOf(text.slice(i, end));
        if (keys.has(key)) duplicate ??= key;
        keys.add(key);
      }
      i = end;
      continue;
    }
    if (c === 0x7b || c === 0x5b) {
      open.push(c === 0x7b ? new Set() : undefined);
      if (open.length > maxDepth) return { tooDeep: true, tooMany: false };
      values++;
    } else if (c === 0x2c) values++;
    else if (c === 0x7d || c === 0x5d) open.pop();
    if (values > maxValues) return { tooDeep: false, tooMany: true };
    i++;
  }
  return { duplicate, tooDeep: false, tooMany: false };
}

/** As {@link parseStrictJson}, but says what is wrong instead of throwing. */
export function tryStrictJson(source: string | Uint8Array, maxDepth: number, maxValues: number): JsonResult {
  let text: string;
  try {
    text =
      typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source);
  } catch {
    return { problem: 'is not UTF-8 text', duplicate: false };
  }
  const found = scan(text, maxDepth, maxValues);
  if (found.tooDeep) return { problem: `is nested deeper than ${maxDepth} levels`, duplicate: false };
  if (found.tooMany) return { problem: `holds more than ${maxValues} values`, duplicate: false };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { problem: `is not JSON (${(cause as Error).message.slice(0, 120)})`, duplicate: false };
  }
  if (found.duplicate === undefined) return { value };
  const name = JSON.stringify(found.duplicate.slice(0, 200));
  return { problem: `holds ${name} twice in one object`, duplicate: true };
}

/**
 * Parses JSON that came from elsewhere: strict UTF-8, no name twice in one object, bounded depth and number of
 * values.
 *
 * @param source the text, or its UTF-8 bytes
 * @param limits the greatest depth (default 64), how many values (default 4,194,304), what the text is called in messages
 * @returns the value
 * @throws E_JSON when the text is no such JSON
 * @example
 * ```ts
 * import { parseStrictJson } from '@tesserae/core';
 * console.log(parseStrictJson('{"a": [1, 2]}')); // → { a: [ 1, 2 ] }
 * try {
 *   parseStrictJson('{"a": 1, "a": 2}', { what: 'config.json' });
 * } catch (error) {
 *   console.log((error as Error).message.includes('"a" twice')); // → true
 * }
 * ```
 */
export function parseStrictJson(source: string | Uint8Array, limits: Partial<JsonLimits> = {}): unknown {
  const { maxDepth = 64, maxValues = 2 ** 22, what = 'the text' } = limits;
  const result = tryStrictJson(source, maxDepth, maxValues);
  if ('value' in result) return result.value;
  throw tesseraeError({
    package: 'core',
    code: 'E_JSON',
    message: `${what} ${result.problem}`,
    fix: result.duplicate ? 'remove one of the two' : 'check that it is a JSON file and complete',
  });
}
