/**
 * GPT-2's pre-tokenization, `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, as a scanner
 * over character classes: several times faster than the regular expression, and without its recursion, so that a word
 * of a million letters is only a long word. `\s` is Unicode's White_Space, as in the Rust and Python tokenizers
 * (JavaScript's `\s` differs at U+0085 and U+FEFF).
 */
const LETTER = 1;
const NUMBER = 2;
const OTHER = 3;
const SPACE = 4;

let classes: Uint8Array | undefined; // of UTF-16 units, filled as they are met; 0: not yet known
const astral = /* @__PURE__ */ new Map<number, number>();

function classify(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  if (/\p{L}/u.test(character)) return LETTER;
  if (/\p{N}/u.test(character)) return NUMBER;
  if (/\p{White_Space}/u.test(character)) return SPACE;
  return OTHER; // a lone surrogate too: it will be read as U+FFFD, which is of this class
}

/** The class of the code point at `at`. */
function classAt(text: string, at: number, table: Uint8Array): number {
  const unit = text.charCodeAt(at);
  if (unit >= 0xd800 && unit <= 0xdbff) {
    const codePoint = text.codePointAt(at)!;
    if (codePoint > 0xffff) {
      let found = astral.get(codePoint);
      if (found === undefined) astral.set(codePoint, (found = classify(codePoint)));
      return found;
    }
  }
  return table[unit] || (table[unit] = classify(unit));
}

/** Where the run of code points of one class that begins at `at` ends. */
function runEnd(text: string, at: number, end: number, kind: number, table: Uint8Array): number {
  while (at < end && classAt(text, at, table) === kind) {
    const unit = text.charCodeAt(at);
    at += unit >= 0xd800 && unit <= 0xdbff && at + 1 < end && isLowSurrogate(text.charCodeAt(at + 1)) ? 2 : 1;
  }
  return at;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Where the contraction that begins with the apostrophe at `at` ends, or `at` when there is none. */
function contractionEnd(text: string, at: number, end: number): number {
  const first = at + 1 < end ? text[at + 1] : '';
  if (first === 's' || first === 't' || first === 'm' || first === 'd') return at + 2;
  const second = at + 2 < end ? text[at + 2] : '';
  if ((first === 'r' || first === 'v') && second === 'e') return at + 3;
  if (first === 'l' && second === 'l') return at + 3;
  return at;
}

/** Where the word that begins at `start` ends (exclusive), inside `text[0, end)`. */
export function wordEnd(text: string, start: number, end: number): number {
  const table = (classes ??= new Uint8Array(65536));
  const unit = text.charCodeAt(start);
  if (unit === 0x27) {
    const found = contractionEnd(text, start, end);
    if (found > start) return found;
  }
  const kind = classAt(text, start, table);
  if (kind !== SPACE) return runEnd(text, start, end, kind, table);
  if (unit === 0x20 && start + 1 < end) {
    const next = classAt(text, start + 1, table);
    if (next !== SPACE) return runEnd(text, start + 1, end, next, table);
  }
  const after = runEnd(text, start, end, SPACE, table);
  // The last white space of a run belongs to what follows it, unless it stands alone.
  return after === end || after === start + 1 ? after : after - 1;
}
