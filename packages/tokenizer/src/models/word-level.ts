import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { oneToken, unknownWord } from './model';
import type { Model } from './model';

/** A token for each word. */
export function wordLevelModel(json: TokenizerModelJson, hidden: ReadonlySet<string>): Model {
  const vocabulary = new Map(Object.entries(json.vocab as Record<string, number>));
  const unknown = typeof json.unk_token === 'string' ? vocabulary.get(json.unk_token) : undefined;
  return {
    kind: 'word-level',
    vocabulary,
    tokenize(word) {
      const id = (hidden.has(word) ? undefined : vocabulary.get(word)) ?? unknown;
      if (id === undefined) throw unknownWord(word);
      return oneToken(id, word.length);
    },
  };
}
