import { loadTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer, TokenizerPartJson } from '@tesserae/tokenizer';

const ofBert = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** A tokenizer with a token for each word of the texts, and BERT's special tokens around each text; with others none around. */
export function wordTokenizer(texts: readonly string[], special: readonly string[] = ofBert): Tokenizer {
  const words = [...new Set(texts.flatMap((text) => text.split(' ')))].sort();
  const vocab = Object.fromEntries([...special, ...words].map((word, id) => [word, id]));
  return loadTokenizer({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: special === ofBert ? template(vocab) : null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  });
}

/** `[CLS] text [SEP]`. */
function template(vocab: Readonly<Record<string, number>>): TokenizerPartJson {
  const around = (token: string): object => ({ id: token, ids: [vocab[token]], tokens: [token] });
  const place = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
  const single = [place('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, place('[SEP]')];
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '[CLS]': around('[CLS]'), '[SEP]': around('[SEP]') },
  };
}
