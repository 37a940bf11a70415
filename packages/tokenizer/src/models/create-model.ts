import type { TokenizerModelJson } from '../interface/tokenizer-json';
import { bpeModel } from './bpe';
import type { Model, TokenizedWord } from './model';
import { unigramModel } from './unigram';
import { wordLevelModel } from './word-level';
import { wordPieceModel } from './word-piece';

/**
 * Makes the model of a checked file.
 *
 * @param hidden tokens that no text may become: special tokens that are not wanted
 */
export function createModel(json: TokenizerModelJson, hidden: ReadonlySet<string>): Model {
  const type = json.type ?? guessType(json);
  const model =
    type === 'BPE'
      ? bpeModel(json, hidden)
      : type === 'WordPiece'
        ? wordPieceModel(json, hidden)
        : type === 'Unigram'
          ? unigramModel(json, hidden)
          : wordLevelModel(json, hidden);
  return { ...model, tokenize: remembering(model.tokenize) };
}

/** Old files do not say of which kind they are. */
function guessType(json: TokenizerModelJson): string {
  if (Array.isArray(json.vocab)) return 'Unigram';
  if (json.merges !== undefined) return 'BPE';
  return json.continuing_subword_prefix === undefined ? 'WordLevel' : 'WordPiece';
}

const LONGEST_REMEMBERED = 48;
const MOST_REMEMBERED = 65_536;

function remembering(tokenize: Model['tokenize']): Model['tokenize'] {
  const known = new Map<string, TokenizedWord>();
  return (word) => {
    const before = known.get(word);
    if (before) return before;
    const tokens = tokenize(word);
    if (word.length <= LONGEST_REMEMBERED) {
      if (known.size >= MOST_REMEMBERED) known.clear();
      known.set(word.length < 13 ? word : word.split('').join(''), tokens); // a long slice would keep its whole text
    }
    return tokens;
  };
}
