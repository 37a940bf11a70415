import { unitsAt } from '../pipeline/piece';
import type { TokenTrie } from '../trie/token-trie';

/** All ways to cut words into pieces, laid out once: for each word the edges `[start, end)` and the piece of each. */
export interface Lattice {
  /** Where the edges of each word begin; one more entry at the end. */
  readonly words: Int32Array; // [W+1]
  readonly starts: Int32Array; // [E]
  readonly ends: Int32Array; // [E]
  readonly pieces: Int32Array; // [E]
  readonly lengths: Int32Array; // [W], in UTF-16 units
}

/** Finds every piece in every word, by start and then by length. */
export function buildLattice(words: readonly string[], trie: TokenTrie): Lattice {
  const offsets = new Int32Array(words.length + 1);
  const lengths = new Int32Array(words.length);
  const starts: number[] = [];
  const ends: number[] = [];
  const pieces: number[] = [];
  for (const [w, word] of words.entries()) {
    lengths[w] = word.length;
    for (let start = 0; start < word.length; start += unitsAt(word, start)) {
      let node = 0;
      for (let end = start; end < word.length;) {
        node = trie.child(node, word.charCodeAt(end++));
        if (node < 0) break;
        if (trie.values[node] < 0) continue;
        starts.push(start);
        ends.push(end);
        pieces.push(trie.values[node]);
      }
    }
    offsets[w + 1] = starts.length;
  }
  return {
    words: offsets,
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    pieces: Int32Array.from(pieces),
    lengths,
  };
}

/**
 * The expected number of times that each piece is used, over all ways to cut all words, by the forward-backward
 * algorithm; and the sum of the words' log likelihoods.
 *
 * @param weights how often each word occurs
 * @param scores log probability of each piece
 */
export function expectedCounts(
  lattice: Lattice,
  weights: Float64Array,
  scores: Float64Array,
): { counts: Float64Array; logLikelihood: number } {
  const { words, starts, ends, pieces, lengths } = lattice;
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const forward = new Float64Array(longest + 1);
  const backward = new Float64Array(longest + 1);
  const counts = new Float64Array(scores.length);
  const probabilities = scores.map(Math.exp);
  let logLikelihood = 0;
  for (let w = 0; w < lengths.length; w++) {
    const [from, to, length] = [words[w], words[w + 1], lengths[w]];
    // Words are short, so products of probabilities stay far above the smallest float64 unless a piece is absurdly rare.
    if (length > 40) {
      logLikelihood += viterbiCounts(lattice, w, weights[w], scores, counts);
      continue;
    }
    forward.fill(0, 0, length + 1);
    backward.fill(0, 0, length + 1);
    forward[0] = 1;
    backward[length] = 1;
    for (let e = from; e < to; e++) forward[ends[e]] += forward[starts[e]] * probabilities[pieces[e]];
    const total = forward[length];
    if (!(total > 1e-290)) {
      logLikelihood += viterbiCounts(lattice, w, weights[w], scores, counts);
      continue;
    }
    for (let e = to - 1; e >= from; e--) backward[starts[e]] += backward[ends[e]] * probabilities[pieces[e]];
    const scale = weights[w] / total;
    for (let e = from; e < to; e++)
      counts[pieces[e]] += scale * forward[starts[e]] * probabilities[pieces[e]] * backward[ends[e]];
    logLikelihood += weights[w] * Math.log(total);
  }
  return { counts, logLikelihood };
}

/** The best way to cut a word: its pieces, from the last to the first; and its score. */
export function bestCut(lattice: Lattice, w: number, scores: Float64Array): { pieces: number[]; score: number } {
  const { words, starts, ends, pieces, lengths } = lattice;
  const best = new Float64Array(lengths[w] + 1).fill(-Infinity);
  const by = new Int32Array(lengths[w] + 1).fill(-1);
  best[0] = 0;
  for (let e = words[w]; e < words[w + 1]; e++) {
    const score = best[starts[e]] + scores[pieces[e]];
    if (score > best[ends[e]]) {
      best[ends[e]] = score;
      by[ends[e]] = e;
    }
  }
  const found: number[] = [];
  for (let at = lengths[w]; at > 0 && by[at] >= 0; at = starts[by[at]]) found.push(pieces[by[at]]);
  return { pieces: found, score: best[lengths[w]] };
}

/** Long words: the best way alone. */
function viterbiCounts(
  lattice: Lattice,
  w: number,
  weight: number,
  scores: Float64Array,
  counts: Float64Array,
): number {
  const { pieces, score } = bestCut(lattice, w, scores);
  for (const piece of pieces) counts[piece] += weight;
  return pieces.length > 0 ? weight * score : 0;
}
