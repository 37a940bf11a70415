import { PairTable } from '../byte-level/pair-table';
import { PairQueue } from './pair-queue';

export interface LearnMergesOptions {
  /** The tokens that exist before the first merge; merges append to it. */
  tokens: string[];
  /** Stop when there are this many tokens. */
  vocabSize: number;
  /** Stop when the most frequent pair is rarer than this. */
  minFrequency: number;
  /** How the token of a pair is written. Default: one after the other. */
  join?: (left: string, right: string) => string;
  /** Told after each merge. */
  onMerge?: (token: string, count: number) => void;
}

/** Where the symbols of all words stand: one after the other in flat arrays, linked so that merging moves nothing. */
interface Corpus {
  symbols: Int32Array;
  next: Int32Array; // -1 at the end of a word
  previous: Int32Array; // -1 at its start
  weights: Float64Array; // how often the word of this position occurs
}

function layOut(words: ReadonlyMap<string, number>, symbolsOf: (word: string) => ArrayLike<number>): Corpus {
  const encoded: { symbols: ArrayLike<number>; weight: number }[] = [];
  let total = 0;
  for (const [word, weight] of words) {
    const symbols = symbolsOf(word);
    encoded.push({ symbols, weight });
    total += symbols.length;
  }
  const corpus: Corpus = {
    symbols: new Int32Array(total),
    next: new Int32Array(total),
    previous: new Int32Array(total),
    weights: new Float64Array(total),
  };
  let at = 0;
  for (const { symbols, weight } of encoded)
    for (let i = 0; i < symbols.length; i++, at++) {
      corpus.symbols[at] = symbols[i];
      corpus.next[at] = i + 1 < symbols.length ? at + 1 : -1;
      corpus.previous[at] = i > 0 ? at - 1 : -1;
      corpus.weights[at] = weight;
    }
  return corpus;
}

/**
 * Learns merges: again and again the most frequent adjacent pair becomes a token.
 *
 * Counts are kept up to date at the places that a merge touches, and every pair knows its places, so that a merge costs
 * what it changes and the whole costs about O(n log n) in the symbols of the distinct words.
 *
 * @param words how often each word occurs
 * @param symbolsOf the tokens that a word begins as
 * @returns the merges, in order, as pairs of ids
 */
export function learnMerges(
  words: ReadonlyMap<string, number>,
  symbolsOf: (word: string) => ArrayLike<number>,
  { tokens, vocabSize, minFrequency, join: written = (left, right) => left + right, onMerge }: LearnMergesOptions,
): [number, number][] {
  const { symbols, next, previous, weights } = layOut(words, symbolsOf);
  const lefts: number[] = [];
  const rights: number[] = [];
  const counts: number[] = [];
  const places: number[][] = [];
  const pairs = new PairTable(1 << 16);
  const pairOf = (left: number, right: number): number => {
    let pair = pairs.get(left, right);
    if (pair < 0) {
      pair = lefts.length;
      pairs.set(left, right, pair);
      lefts.push(left);
      rights.push(right);
      counts.push(0);
      places.push([]);
    }
    return pair;
  };
  for (let at = 0; at < symbols.length; at++) {
    if (next[at] < 0) continue;
    const pair = pairOf(symbols[at], symbols[next[at]]);
    counts[pair] += weights[at];
    places[pair].push(at);
  }
  const queue = new PairQueue(lefts, rights);
  for (let pair = 0; pair < lefts.length; pair++) queue.push(pair, counts[pair]);

  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [number, number][] = [];
  const touched = new Set<number>(); // pairs that a merge has given new places

  const leave = (left: number, right: number, weight: number): void => {
    counts[pairOf(left, right)] -= weight;
  };
  const join = (left: number, right: number, at: number): void => {
    const pair = pairOf(left, right);
    counts[pair] += weights[at];
    places[pair].push(at);
    touched.add(pair);
  };

  while (tokens.length < vocabSize && queue.size > 0) {
    const entered = queue.topCount();
    const pair = queue.pop();
    if (counts[pair] !== entered) {
      if (counts[pair] > 0) queue.push(pair, counts[pair]);
      continue;
    }
    if (entered < minFrequency) break;
    const left = lefts[pair];
    const right = rights[pair];
    const token = written(tokens[left], tokens[right]);
    let id = ids.get(token); // two ways of cutting one string make one token
    if (id === undefined) {
      id = tokens.length;
      tokens.push(token);
      ids.set(token, id);
    }
    merges.push([left, right]);
    const found = inOrder(places[pair]);
    places[pair] = [];
    counts[pair] = 0;
    for (const at of found) {
      const gone = next[at];
      if (symbols[at] !== left || gone < 0 || symbols[gone] !== right) continue; // another merge was here
      const weight = weights[at];
      const before = previous[at];
      const after = next[gone];
      if (before >= 0) leave(symbols[before], left, weight);
      if (after >= 0) leave(right, symbols[after], weight);
      symbols[at] = id;
      symbols[gone] = -1;
      next[at] = after;
      if (after >= 0) previous[after] = at;
      if (before >= 0) join(symbols[before], id, before);
      if (after >= 0) join(id, symbols[after], at);
    }
    counts[pair] = 0; // overlapping places (`aaa`) have been taken off as neighbours
    for (const changed of touched) if (counts[changed] > 0 && changed !== pair) queue.push(changed, counts[changed]);
    touched.clear();
    onMerge?.(token, entered);
  }
  return merges;
}

/** Places in ascending order: overlapping pairs are merged from the left. */
function inOrder(places: number[]): number[] {
  for (let i = 1; i < places.length; i++) if (places[i] < places[i - 1]) return places.sort((a, b) => a - b);
  return places;
}
