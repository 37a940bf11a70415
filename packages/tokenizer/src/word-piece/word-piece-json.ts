import { specialTokenJson } from '../byte-level/build-json';
import type { TokenizerJson } from '../interface/tokenizer-json';

/** What is particular about a BERT tokenizer. */
export interface BertSettings {
  lowercase: boolean;
  /** Default: as `lowercase`. */
  stripAccents?: boolean | null;
  chinese?: boolean;
  unknownToken: string;
  /** The token in front, and the one after each text; without them nothing is added. */
  firstToken?: string;
  separatorToken?: string;
}

/** The `tokenizer.json` of a BERT tokenizer, as Hugging Face's converter writes it. */
export function wordPieceJson(
  tokens: readonly string[],
  specialTokens: readonly string[],
  { lowercase, stripAccents = null, chinese = true, unknownToken, firstToken, separatorToken }: BertSettings,
): TokenizerJson {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const special = (name: string, typeId: number): object => ({ SpecialToken: { id: name, type_id: typeId } });
  const text = (id: 'A' | 'B', typeId: number): object => ({ Sequence: { id, type_id: typeId } });
  const first = firstToken === undefined ? [] : [special(firstToken, 0)];
  const after = (typeId: number): object[] => (separatorToken === undefined ? [] : [special(separatorToken, typeId)]);
  const added = [firstToken, separatorToken].filter((token): token is string => token !== undefined);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((token) => specialTokenJson(token, idOf.get(token)!)).sort((a, b) => a.id - b.id),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: chinese,
      strip_accents: stripAccents,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor:
      added.length === 0
        ? null
        : {
            type: 'TemplateProcessing',
            single: [...first, text('A', 0), ...after(0)],
            pair: [...first, text('A', 0), ...after(0), text('B', 1), ...after(1)],
            special_tokens: Object.fromEntries(
              added.map((token) => [token, { id: token, ids: [idOf.get(token)!], tokens: [token] }]),
            ),
          },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unknownToken,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(idOf),
    },
  };
}
