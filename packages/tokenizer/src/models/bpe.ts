import { describeValue } from '@tesserae/registry';
import { mergeSymbols } from '../byte-level/merge';
import type { Merges } from '../byte-level/merge';
import { PairTable } from '../byte-level/pair-table';
import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { jsonError, splitMerge } from '../tokenizer-json/check';
import { byteTokenIds, oneToken, unknownWord } from './model';
import type { Model, TokenizedWord } from './model';

/**
 * BPE over characters: those that the vocabulary lacks become their bytes (`byte_fallback`), the unknown token, or
 * nothing; then pairs are merged, lowest rank first. `dropout` is for training and left out: encoding is a function.
 *
 * @see Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", section 3.2
 */
export function bpeModel(json: TokenizerModelJson, hidden: ReadonlySet<string>): Model {
  const vocabulary = new Map(Object.entries(json.vocab as Record<string, number>));
  const merges = readMerges(json, vocabulary);
  const initial = initialSymbols(json, vocabulary);
  const tokenize = (word: string): TokenizedWord => {
    const whole = json.ignore_merges === true && !hidden.has(word) ? vocabulary.get(word) : undefined;
    if (whole !== undefined) return oneToken(whole, word.length);
    const { ids, starts, ends } = initial(word);
    const symbols = Int32Array.from(ids);
    const count = mergeSymbols(symbols, symbols.length, merges);
    const place = { starts: new Int32Array(count), ends: new Int32Array(count) };
    for (let token = 0, at = 0; token < count; token++) {
      place.starts[token] = starts[at];
      at += merges.parts.get(symbols[token]) ?? 1;
      place.ends[token] = ends[Math.min(at, ends.length) - 1];
    }
    return { ids: symbols.slice(0, count), ...place };
  };
  return { kind: 'bpe', vocabulary, tokenize };
}

interface CountedMerges extends Merges {
  /** How many first symbols a merged token is made of. */
  readonly parts: ReadonlyMap<number, number>;
}

function readMerges(json: TokenizerModelJson, vocabulary: ReadonlyMap<string, number>): CountedMerges {
  const list = json.merges ?? [];
  const prefix = json.continuing_subword_prefix ?? '';
  const ranks = new PairTable(list.length);
  const results = new Int32Array(list.length);
  const parts = new Map<number, number>();
  for (const [rank, merge] of list.entries()) {
    const [left, right] = splitMerge(merge)!;
    const [leftId, rightId] = [vocabulary.get(left)!, vocabulary.get(right)!];
    const joined = left + right.slice((prefix as string).length);
    const id = vocabulary.get(joined);
    if (id === undefined)
      throw jsonError(`model.merges[${rank}] makes the token ${describeValue(joined)}, which model.vocab lacks`);
    results[rank] = id;
    ranks.set(leftId, rightId, rank);
    parts.set(id, (parts.get(leftId) ?? 1) + (parts.get(rightId) ?? 1));
  }
  return { ranks, results, parts };
}

interface Symbols {
  ids: number[];
  starts: number[];
  ends: number[];
}

function affix(json: TokenizerModelJson, name: string): string {
  const value = json[name] ?? '';
  if (typeof value !== 'string') throw jsonError(`model.${name} is ${describeValue(value)}, expected a string or null`);
  return value;
}

/** What a word is before the first merge. */
function initialSymbols(json: TokenizerModelJson, vocabulary: ReadonlyMap<string, number>): (word: string) => Symbols {
  const prefix = affix(json, 'continuing_subword_prefix');
  const suffix = affix(json, 'end_of_word_suffix');
  const bytes = json.byte_fallback === true ? byteTokenIds(vocabulary) : undefined;
  const unknown = typeof json.unk_token === 'string' ? vocabulary.get(json.unk_token) : undefined;
  const missing = typeof json.unk_token === 'string' && unknown === undefined;
  const fuse = json.fuse_unk === true;
  const utf8 = new TextEncoder();
  return (word) => {
    const symbols: Symbols = { ids: [], starts: [], ends: [] };
    const add = (id: number, start: number, end: number): void => {
      symbols.ids.push(id);
      symbols.starts.push(start);
      symbols.ends.push(end);
    };
    let open = -1; // the symbol that a next unknown character joins
    let at = 0;
    for (const character of word) {
      const end = at + character.length;
      const written = `${at > 0 ? prefix : ''}${character}${end === word.length ? suffix : ''}`;
      const id = vocabulary.get(written);
      const fallback = id === undefined && bytes ? Array.from(utf8.encode(written), (byte) => bytes[byte]) : [-1];
      if (id !== undefined) {
        add(id, at, end);
        open = -1;
      } else if (!fallback.includes(-1)) for (const one of fallback) add(one, at, end);
      else if (unknown !== undefined) {
        if (fuse && open >= 0) symbols.ends[open] = end;
        else {
          open = symbols.ids.length;
          add(unknown, at, end);
        }
      } else if (missing) throw unknownWord(character);
      at = end;
    }
    return symbols;
  };
}
