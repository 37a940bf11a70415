import { describeValue } from '@tesserae/registry';
import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { jsonError } from '../tokenizer-json/check';
import { oneToken, unknownWord } from './model';
import type { Model, TokenizedWord } from './model';

/**
 * WordPiece: from the left, always the longest token that fits; tokens inside a word carry a prefix. A word that does
 * not work out is one unknown token.
 *
 * @see Devlin et al., "BERT", section 3; Song et al., "Fast WordPiece Tokenization", section 2
 */
export function wordPieceModel(json: TokenizerModelJson, hidden: ReadonlySet<string>): Model {
  const vocabulary = new Map(Object.entries(json.vocab as Record<string, number>));
  const prefix = json.continuing_subword_prefix ?? '##';
  const most = json.max_input_chars_per_word ?? 100;
  if (typeof prefix !== 'string')
    throw jsonError(`model.continuing_subword_prefix is ${describeValue(prefix)}, expected a string`);
  if (typeof most !== 'number' || !(most >= 0))
    throw jsonError(`model.max_input_chars_per_word is ${describeValue(most)}, expected a number`);
  const unknown = vocabulary.get(json.unk_token ?? '[UNK]');
  let longest = 0; // no token is longer
  const beginnings = new Map<string, number>();
  const continuations = new Map<string, number>(); // without their prefix
  for (const [token, id] of vocabulary) {
    if (hidden.has(token)) continue;
    longest = Math.max(longest, token.length);
    beginnings.set(token, id);
    if (token.startsWith(prefix)) continuations.set(token.slice(prefix.length), id);
  }
  const give = (word: string): TokenizedWord => {
    if (unknown === undefined) throw unknownWord(word);
    return oneToken(unknown, word.length);
  };

  const tokenize = (word: string): TokenizedWord => {
    if (word.length > most && [...word].length > most) return give(word);
    const whole = beginnings.get(word);
    if (whole !== undefined) return oneToken(whole, word.length);
    const ids: number[] = [];
    const starts: number[] = [];
    for (let start = 0; start < word.length;) {
      const tokens = start === 0 ? beginnings : continuations;
      let end = Math.min(word.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        id = tokens.get(word.slice(start, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return give(word);
      ids.push(id);
      starts.push(start);
      start = end;
    }
    return {
      ids: Int32Array.from(ids),
      starts: Int32Array.from(starts),
      ends: Int32Array.from(starts, (_, i) => starts[i + 1] ?? word.length),
    };
  };
  return { kind: 'wordpiece', vocabulary, tokenize };
}
