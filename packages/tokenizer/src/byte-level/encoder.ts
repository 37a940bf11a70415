import { mergeSymbols } from './merge';
import type { Merges } from './merge';
import { wordEnd } from './words';

export interface WordEncoder {
  /** Appends the ids of `text[start, end)`. */
  encode(text: string, start: number, end: number, ids: IdList): void;
}

/** A growing list of ids. */
export class IdList {
  private values: Int32Array;
  length = 0;

  constructor(expected: number) {
    this.values = new Int32Array(Math.max(16, expected));
  }

  push(id: number): void {
    if (this.length === this.values.length) this.reserve(1);
    this.values[this.length++] = id;
  }

  pushAll(ids: ArrayLike<number>, count: number = ids.length): void {
    if (this.length + count > this.values.length) this.reserve(count);
    for (let i = 0; i < count; i++) this.values[this.length + i] = ids[i];
    this.length += count;
  }

  private reserve(count: number): void {
    const grown = new Int32Array(Math.max(this.length + count, this.values.length * 2));
    grown.set(this.values);
    this.values = grown;
  }

  /** The ids in an array of exactly their size. */
  toArray(): Int32Array {
    return this.values.slice(0, this.length);
  }
}

/** Words longer than this are rare and need not be remembered. */
const CACHED_WORD_LENGTH = 48;
/** When this many words are remembered, all are forgotten and the frequent ones soon return. */
const CACHED_WORDS = 65_536;

/**
 * Encodes text word by word: words met before come from a cache, others are merged.
 *
 * @param byteIds the id of each of the 256 bytes
 * @param merges the merges
 * @param wholeWords for `ignore_merges`: the id of a word that is a token as it stands
 */
export function createWordEncoder(
  byteIds: Int32Array,
  merges: Merges,
  wholeWords?: (bytes: Uint8Array) => number | undefined,
): WordEncoder {
  const cache = new Map<string, number | Int32Array>(); // one id, or several
  const utf8 = new TextEncoder();
  let bytes = new Uint8Array(256);
  let symbols = new Int32Array(256);

  /** Leaves the ids of a word in `symbols` and returns their number. */
  const encodeWord = (word: string): number => {
    if (bytes.length < word.length * 3) {
      bytes = new Uint8Array(word.length * 3);
      symbols = new Int32Array(word.length * 3);
    }
    const { written } = utf8.encodeInto(word, bytes);
    const whole = wholeWords?.(bytes.subarray(0, written));
    if (whole !== undefined) {
      symbols[0] = whole;
      return 1;
    }
    for (let i = 0; i < written; i++) symbols[i] = byteIds[bytes[i]];
    return mergeSymbols(symbols, written, merges);
  };

  return {
    encode(text, start, end, ids) {
      while (start < end) {
        const after = wordEnd(text, start, end);
        const word = text.slice(start, after);
        start = after;
        const known = cache.get(word);
        if (typeof known === 'number') ids.push(known);
        else if (known !== undefined) ids.pushAll(known);
        else {
          const count = encodeWord(word);
          ids.pushAll(symbols, count);
          if (word.length > CACHED_WORD_LENGTH) {
            if (symbols.length > 65_536) {
              bytes = new Uint8Array(256); // do not keep the room that one very long word took
              symbols = new Int32Array(256);
            }
            continue;
          }
          if (cache.size >= CACHED_WORDS) cache.clear();
          cache.set(ownCopy(word), count === 1 ? symbols[0] : symbols.slice(0, count));
        }
      }
    },
  };
}

/** A slice of 13 characters or more keeps its whole text in memory; joining its characters anew makes a copy. */
function ownCopy(word: string): string {
  return word.length < 13 ? word : word.split('').join('');
}
