import { TokenTrie } from '../trie/token-trie';
import { bestCut, buildLattice, expectedCounts } from './lattice';
import { seedPieces } from './seed';
import type { Candidate } from './seed';

/** How pieces are learned. */
export interface LearnPiecesOptions {
  /** Pieces wanted. */
  size: number;
  /** Characters in a piece, at most. */
  longestPiece: number;
  /** How many candidates to begin with. */
  seedSize: number;
  /** The share of candidates that a round of pruning keeps. */
  shrinkingFactor: number;
  /** Told after each round. */
  onRound?: (pieces: number, logLikelihood: number) => void;
}

/**
 * Learns the pieces of a unigram language model: beginning with many candidates, expectation maximization finds their
 * probabilities, and those whose loss would cost the least likelihood are pruned, until few enough are left. Characters
 * are always kept.
 *
 * @param words how often each word occurs
 * @returns pieces and their log probabilities, the most probable first
 * @see Kudo, "Subword Regularization: Improving Neural Network Translation Models with Multiple Subword Candidates",
 *   section 3.2; the estimates of the M step are those of a Bayesian model with a sparse prior: Liang and Klein,
 *   "Structured Bayesian Nonparametric Models with Variational Inference"
 */
export function learnPieces(words: ReadonlyMap<string, number>, options: LearnPiecesOptions): Candidate[] {
  const { size, longestPiece, seedSize, shrinkingFactor, onRound } = options;
  const seed = seedPieces(words, { longest: longestPiece, size: seedSize });
  const texts = [...words.keys()];
  const weights = Float64Array.from(words.values());
  const desired = Math.floor(size * 1.1);
  let pieces = seed.candidates;
  for (;;) {
    for (let i = 0; i < 2; i++) {
      const lattice = buildLattice(texts, trieOf(pieces));
      const { counts, logLikelihood } = expectedCounts(lattice, weights, scoresOf(pieces));
      pieces = maximize(pieces, counts, seed.characters);
      onRound?.(pieces.length, logLikelihood);
    }
    if (pieces.length <= desired) break;
    const target = Math.max(desired, Math.floor(shrinkingFactor * pieces.length));
    const pruned = prune(pieces, texts, weights, target, seed.characters);
    if (pruned.length >= pieces.length) break;
    pieces = pruned;
  }
  return finish(pieces, seed.characters, size);
}

function scoresOf(pieces: readonly Candidate[]): Float64Array {
  return Float64Array.from(pieces, ({ score }) => score);
}

function trieOf(pieces: readonly Candidate[]): TokenTrie {
  const trie = new TokenTrie(pieces.length * 3);
  for (const [i, { piece }] of pieces.entries()) trie.add(piece, i);
  return trie;
}

/** The M step: `exp(digamma(count))` instead of the count makes rare pieces rarer. Pieces that are not used go. */
function maximize(
  pieces: readonly Candidate[],
  counts: Float64Array,
  characters: ReadonlyMap<string, number>,
): Candidate[] {
  const least = 0.5;
  const kept: Candidate[] = [];
  let sum = 0;
  for (const [i, { piece }] of pieces.entries()) {
    if (counts[i] < least && !characters.has(piece)) continue;
    const count = Math.max(counts[i], least);
    kept.push({ piece, score: count });
    sum += count;
  }
  const total = digamma(sum);
  for (const one of kept) one.score = digamma(one.score) - total;
  return kept;
}

/** The logarithmic derivative of the gamma function, by recurrence and its asymptotic series. */
export function digamma(x: number): number {
  let result = 0;
  for (; x < 7; x++) result -= 1 / x;
  x -= 0.5;
  const square = 1 / (x * x);
  const series = square * (1 / 24 - square * (7 / 960 - square * (31 / 8064 - (square * 127) / 30720)));
  return result + Math.log(x) + series;
}

/** Takes out the pieces whose words lose the least likelihood when they are cut otherwise. */
function prune(
  pieces: readonly Candidate[],
  texts: readonly string[],
  weights: Float64Array,
  target: number,
  characters: ReadonlyMap<string, number>,
): Candidate[] {
  const scores = scoresOf(pieces);
  const alternatives = otherCuts(pieces, scores);
  const lattice = buildLattice(texts, trieOf(pieces));
  const counts = new Float64Array(pieces.length);
  const covered = new Float64Array(pieces.length); // the weight of the words that use a piece
  let wordsTotal = 0;
  for (let w = 0; w < texts.length; w++) {
    wordsTotal += weights[w];
    for (const piece of bestCut(lattice, w, scores).pieces) {
      counts[piece] += weights[w];
      covered[piece] += weights[w];
    }
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const logTotal = Math.log(total);
  const kept: Candidate[] = [];
  const losses: { i: number; loss: number }[] = [];
  for (const [i, one] of pieces.entries()) {
    const others = alternatives[i];
    if (characters.has(one.piece)) kept.push(one);
    else if (counts[i] === 0 || others === 'never best') continue;
    else if (others === 'none') kept.push(one);
    else {
      const logTotalWithout = Math.log(total + counts[i] * (others.length - 1));
      let logWithout = 0;
      for (const other of others) logWithout += Math.log(counts[other] + counts[i]) - logTotalWithout;
      losses.push({ i, loss: (covered[i] / wordsTotal) * (Math.log(counts[i]) - logTotal - logWithout) });
    }
  }
  losses.sort((a, b) => b.loss - a.loss || a.i - b.i);
  for (const { i } of losses.slice(0, Math.max(0, target - kept.length))) kept.push(pieces[i]);
  return kept;
}

/** How each piece would be cut without itself; `'never best'` when another way is better anyhow. */
function otherCuts(pieces: readonly Candidate[], scores: Float64Array): (number[] | 'none' | 'never best')[] {
  const lattice = buildLattice(
    pieces.map(({ piece }) => piece),
    trieOf(pieces),
  );
  return pieces.map((_, i) => {
    const own = scores[i];
    scores[i] = -Infinity;
    const { pieces: found, score } = bestCut(lattice, i, scores);
    scores[i] = own;
    if (found.length === 0 || score === -Infinity) return 'none';
    return score >= own ? 'never best' : found;
  });
}

/** The most probable pieces, every character among them. */
function finish(pieces: readonly Candidate[], characters: ReadonlyMap<string, number>, size: number): Candidate[] {
  const least = pieces.reduce((worst, { score }) => Math.min(worst, score), 0);
  const known = new Map(pieces.map((one) => [one.piece, one]));
  const required = [...characters]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([piece], i) => known.get(piece) ?? { piece, score: least - 0.0001 * (i + 1) });
  const others = pieces.filter(({ piece }) => !characters.has(piece)).sort(byScore);
  return [...required, ...others].slice(0, size).sort(byScore);
}

function byScore(a: Candidate, b: Candidate): number {
  return b.score - a.score || (a.piece < b.piece ? -1 : 1);
}
