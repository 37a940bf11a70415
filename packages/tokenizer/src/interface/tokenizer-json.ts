/** One entry of `added_tokens` in `tokenizer.json`. */
export interface AddedTokenJson {
  id: number;
  content: string;
  single_word?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  normalized?: boolean;
  special?: boolean;
}

/** A normalizer, pre-tokenizer, post-processor or decoder in `tokenizer.json`: a type and its settings. */
export interface TokenizerPartJson {
  type: string;
  [setting: string]: unknown;
}

/** The `model` of `tokenizer.json`; `merges` for BPE, either `"a b"` or `["a", "b"]`. */
export interface TokenizerModelJson {
  type?: string;
  vocab: Record<string, number> | [string, number][];
  merges?: string[] | [string, string][];
  unk_token?: string | null;
  [setting: string]: unknown;
}

/** The content of a `tokenizer.json` file, in the format of Hugging Face's `tokenizers`. */
export interface TokenizerJson {
  version?: string;
  truncation?: unknown;
  padding?: unknown;
  added_tokens?: AddedTokenJson[];
  normalizer?: TokenizerPartJson | null;
  pre_tokenizer?: TokenizerPartJson | null;
  post_processor?: TokenizerPartJson | null;
  decoder?: TokenizerPartJson | null;
  model: TokenizerModelJson;
}
