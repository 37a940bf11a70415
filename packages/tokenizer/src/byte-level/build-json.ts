import type { AddedTokenJson, TokenizerJson } from '../interface/tokenizer-json';

/** An entry of `added_tokens` for a special token that is found wherever it is written out. */
export function specialTokenJson(content: string, id: number): AddedTokenJson {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** The `tokenizer.json` of a byte-level BPE model, as Hugging Face's `ByteLevelBPETokenizer` writes it. */
export function byteLevelBpeJson(
  vocab: Record<string, number>,
  merges: string[],
  specialTokens: readonly AddedTokenJson[],
): TokenizerJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...specialTokens],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
