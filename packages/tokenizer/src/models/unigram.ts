import { describeValue } from '@tesserae/registry';
import { PairTable } from '../byte-level/pair-table';
import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { unitsAt } from '../pipeline/piece';
import { jsonError } from '../tokenizer-json/check';
import { byteTokenIds, unknownWord } from './model';
import type { Model, TokenizedWord } from './model';

/** How much worse than the worst token an unknown character is. */
const UNKNOWN_PENALTY = 10;

/** A trie over UTF-16 units; nodes are numbers, 0 is the root. */
export class TokenTrie {
  private readonly edges: PairTable;
  /** The value of the token that ends at each node, or -1. */
  readonly values: number[] = [-1];
  /** By code: the child of the root, for what nearly all lookups begin with. */
  private readonly first = new Int32Array(65536).fill(-1);

  constructor(expected: number) {
    this.edges = new PairTable(expected);
  }

  add(token: string, value: number): void {
    let node = 0;
    for (let i = 0; i < token.length; i++) {
      const unit = token.charCodeAt(i);
      let child = this.child(node, unit);
      if (child < 0) {
        child = this.values.push(-1) - 1;
        if (node === 0) this.first[unit] = child;
        else this.edges.set(node, unit, child);
      }
      node = child;
    }
    this.values[node] = value;
  }

  /** The child of a node, or -1. */
  child(node: number, unit: number): number {
    return node === 0 ? this.first[unit] : this.edges.get(node, unit);
  }
}

/**
 * Unigram: of all ways to cut a word into tokens, the one with the highest sum of scores (Viterbi's algorithm, one pass
 * with a trie). Of equal ways the one whose last token was met first wins, as in Hugging Face's tokenizers. Neighbouring
 * unknown characters become one token.
 *
 * @see Kudo, "Subword Regularization", section 3.2
 */
export function unigramModel(json: TokenizerModelJson, hidden: ReadonlySet<string>): Model {
  const entries = scoredVocabulary(json.vocab);
  const vocabulary = new Map(entries.map(([token], id) => [token, id]));
  const unknown = readUnknown(json.unk_id, entries.length);
  const scores = Float64Array.from(entries, ([, score]) => score);
  let worst = Infinity;
  let units = 0;
  for (const [token, score] of entries) {
    worst = Math.min(worst, score);
    units += token.length;
  }
  const ordinary = new Map([...vocabulary].filter(([token]) => !hidden.has(token)));
  const trie = new TokenTrie(units);
  for (const [token, id] of ordinary) if (token !== '') trie.add(token, id);
  const search = { trie, scores, unknown, unknownScore: worst - UNKNOWN_PENALTY };
  const bytes = json.byte_fallback === true ? byteTokenIds(vocabulary) : undefined;
  const utf8 = new TextEncoder();

  const tokenize = (word: string): TokenizedWord => {
    const ids: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    for (const [start, end, found] of fused(bestPath(word, search), unknown)) {
      const id = found >= 0 ? found : ordinary.get(word.slice(start, end));
      const fallback =
        id === undefined && bytes ? Array.from(utf8.encode(word.slice(start, end)), (b) => bytes[b]) : [-1];
      const given = fallback.includes(-1) ? [id ?? unknown!] : fallback;
      for (const one of given) {
        ids.push(one);
        starts.push(start);
        ends.push(end);
      }
    }
    return { ids: Int32Array.from(ids), starts: Int32Array.from(starts), ends: Int32Array.from(ends) };
  };
  return { kind: 'unigram', vocabulary, tokenize };
}

type Step = [start: number, end: number, id: number];

interface Search {
  trie: TokenTrie;
  scores: Float64Array;
  unknown: number | undefined;
  unknownScore: number;
}

/** The steps of the best way through a word, from its end to its start. */
function bestPath(word: string, { trie, scores, unknown, unknownScore }: Search): Step[] {
  const best = new Float64Array(word.length + 1).fill(-Infinity);
  const from = new Int32Array(word.length + 1).fill(-1);
  const idAt = new Int32Array(word.length + 1);
  best[0] = 0;
  for (let start = 0; start < word.length;) {
    const single = start + unitsAt(word, start);
    let hasSingle = false;
    let node = 0;
    for (let end = start; end < word.length;) {
      node = trie.child(node, word.charCodeAt(end++));
      if (node < 0) break;
      const id = trie.values[node];
      if (id < 0) continue;
      const score = best[start] + scores[id];
      if (from[end] < 0 || score > best[end]) {
        best[end] = score;
        from[end] = start;
        idAt[end] = id;
      }
      if (end === single) hasSingle = true;
    }
    if (!hasSingle) {
      if (unknown === undefined) throw unknownWord(word);
      const score = best[start] + unknownScore;
      if (from[single] < 0 || score > best[single]) {
        best[single] = score;
        from[single] = start;
        idAt[single] = unknown;
      }
    }
    start = single;
  }
  const steps: Step[] = [];
  for (let end = word.length; end > 0; end = from[end]) steps.push([from[end], end, idAt[end]]);
  return steps;
}

/** The steps from the start; runs of unknown characters joined, their id left open (-1). */
function fused(backwards: Step[], unknown: number | undefined): Step[] {
  const steps: Step[] = [];
  for (let i = backwards.length - 1; i >= 0; i--) {
    const [start, end, id] = backwards[i];
    const last = steps.at(-1);
    if (id !== unknown) steps.push([start, end, id]);
    else if (last?.[2] === -1) last[1] = end;
    else steps.push([start, end, -1]);
  }
  return steps;
}

function scoredVocabulary(vocab: TokenizerModelJson['vocab']): [string, number][] {
  if (!Array.isArray(vocab)) throw jsonError('model.vocab is an object, expected a list of [token, score] for Unigram');
  return vocab;
}

function readUnknown(id: unknown, size: number): number | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < size) return id;
  throw jsonError(`model.unk_id is ${describeValue(id)}, expected an id below ${size}`);
}
