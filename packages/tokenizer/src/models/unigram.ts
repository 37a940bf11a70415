import { describeValue } from '@tesserae/registry';
import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { unitsAt } from '../pipeline/piece';
import { jsonError } from '../tokenizer-json/check';
import { TokenTrie } from '../trie/token-trie';
import { byteTokenIds, unknownWord } from './model';
import type { Model, TokenizedWord } from './model';

/** How much worse than the worst token an unknown character is. */
const UNKNOWN_PENALTY = 10;

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
  const search = { trie, scores, unknown, unknownScore: worst - UNKNOWN_PENALTY, room: roomFor(64) };
  const bytes = json.byte_fallback === true ? byteTokenIds(vocabulary) : undefined;
  const utf8 = new TextEncoder();

  const tokenize = (word: string): TokenizedWord => {
    const ids: number[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    const path = bestPath(word, search);
    for (let at = path.length - 1; at >= 0; at--) {
      const [start, end, found] = path[at];
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

/** A token on the way; id -1 is a run of unknown characters. */
type Step = [start: number, end: number, id: number];

interface Search {
  trie: TokenTrie;
  scores: Float64Array;
  unknown: number | undefined;
  unknownScore: number;
  room: Room;
}

/** The best way to each place of a word: its score, where its last token begins and which it is. */
interface Room {
  best: Float64Array;
  from: Int32Array;
  id: Int32Array;
}

const roomFor = (length: number): Room => ({
  best: new Float64Array(length + 1),
  from: new Int32Array(length + 1),
  id: new Int32Array(length + 1),
});

/** The steps of the best way through a word, from its end to its start; runs of unknown characters are one step. */
function bestPath(word: string, search: Search): Step[] {
  const { trie, scores, unknown, unknownScore } = search;
  if (search.room.from.length <= word.length) search.room = roomFor(2 * word.length);
  const { best, from, id: idAt } = search.room;
  from.fill(-1, 0, word.length + 1);
  best[0] = 0;
  for (let start = 0; start < word.length;) {
    const single = start + unitsAt(word, start);
    const before = best[start];
    let hasSingle = false;
    let node = 0;
    for (let end = start; end < word.length;) {
      node = trie.child(node, word.charCodeAt(end++));
      if (node < 0) break;
      const id = trie.values[node];
      if (id < 0) continue;
      const score = before + scores[id];
      if (from[end] < 0 || score > best[end]) {
        best[end] = score;
        from[end] = start;
        idAt[end] = id;
      }
      if (end === single) hasSingle = true;
    }
    if (!hasSingle) {
      if (unknown === undefined) throw unknownWord(word);
      const score = before + unknownScore;
      if (from[single] < 0 || score > best[single]) {
        best[single] = score;
        from[single] = start;
        idAt[single] = unknown;
      }
    }
    start = single;
  }
  return stepsBack(word.length, search.room, unknown);
}

function stepsBack(length: number, { from, id }: Room, unknown: number | undefined): Step[] {
  const steps: Step[] = [];
  for (let end = length; end > 0; end = from[end]) {
    const after = steps.at(-1);
    if (id[end] !== unknown) steps.push([from[end], end, id[end]]);
    else if (after?.[2] === -1) after[0] = from[end];
    else steps.push([from[end], end, -1]);
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
