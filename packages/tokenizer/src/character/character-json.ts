import { specialTokenJson } from '../byte-level/build-json';
import type { TokenizerJson } from '../interface/tokenizer-json';

/** Cuts text into code points, line ends included; the same in Oniguruma and in JavaScript. */
const EVERY_CHARACTER = '[\\s\\S]';

/**
 * The `tokenizer.json` of a character tokenizer: BPE without merges over single characters, which every library of
 * Hugging Face's runs the same way. (Their `WordLevel` model is missing from the JavaScript one.)
 */
export function characterJson(
  tokens: readonly string[],
  specialTokens: readonly string[],
  unknownToken: string | undefined,
): TokenizerJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((token) => specialTokenJson(token, tokens.indexOf(token))),
    normalizer: null,
    pre_tokenizer: { type: 'Split', pattern: { Regex: EVERY_CHARACTER }, behavior: 'Isolated', invert: false },
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknownToken ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** Whether a checked `tokenizer.json` is of this form. */
export function isCharacterJson(json: TokenizerJson): boolean {
  const { model, pre_tokenizer: split, decoder } = json;
  if (model.type !== 'BPE' || Array.isArray(model.vocab) || model.merges?.length !== 0) return false;
  if (model.dropout || model.continuing_subword_prefix || model.end_of_word_suffix) return false;
  if (model.byte_fallback || model.fuse_unk) return false;
  if (json.normalizer || json.post_processor || json.truncation || json.padding || decoder?.type !== 'Fuse')
    return false;
  const pattern = split?.pattern as { Regex?: unknown } | undefined;
  if (split?.type !== 'Split' || pattern?.Regex !== EVERY_CHARACTER) return false;
  if (split.behavior !== 'Isolated' || split.invert === true) return false;
  const vocab = model.vocab;
  if (typeof model.unk_token === 'string' && !Object.hasOwn(vocab, model.unk_token)) return false;
  return (json.added_tokens ?? []).every(
    (token) =>
      !token.lstrip &&
      !token.rstrip &&
      !token.single_word &&
      (vocab[token.content] ?? token.id) === token.id &&
      !/[\ud800-\udfff]/u.test(token.content),
  );
}
