import { loadTokenizer } from '@tesserae/tokenizer';
import type { Tokenizer } from '@tesserae/tokenizer';

/** A tokenizer with a token for each word of the texts, and BERT's special tokens around each text. */
export function wordTokenizer(texts: readonly string[]): Tokenizer {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const words = [...new Set(texts.flatMap((text) => text.split(' ')))].sort();
  const vocab = Object.fromEntries([...special, ...words].map((word, id) => [word, id]));
  const around = (token: string): object => ({ id: token, ids: [vocab[token]], tokens: [token] });
  const place = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
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
    post_processor: {
      type: 'TemplateProcessing',
      single: [place('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, place('[SEP]')],
      pair: [
        place('[CLS]'),
        { Sequence: { id: 'A', type_id: 0 } },
        place('[SEP]'),
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: { '[CLS]': around('[CLS]'), '[SEP]': around('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  });
}
