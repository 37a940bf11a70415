import { describeValue } from '@tesserae/registry';
import { specialTokenJson } from '../byte-level/build-json';
import { checkOptions, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson, TokenizerPartJson } from '../interface/tokenizer-json';
import { createPipelineTokenizer } from '../pipeline/pipeline-tokenizer';
import { checkSpecialTokens } from '../special-tokens/split';
import { learnPieces } from '../unigram/learn-pieces';
import { piecesOf } from './train-word-piece';
import { checkCount, checkVocabSize, countPieces, eachText, emptyText } from './word-counts';

/** How far training has come. */
export interface UnigramTrainingProgress {
  /** Candidates that are left. */
  pieces: number;
  /** Tokens wanted. */
  vocabSize: number;
  /** The log likelihood of a word, on average. */
  logLikelihood: number;
}

/** What kind of Unigram tokenizer to train. */
export interface UnigramTrainingOptions {
  /** Tokens wanted, special tokens and bytes included. */
  vocabSize: number;
  /** Tokens that are never part of a word; the first ids, in this order. Default `['<unk>']`. */
  specialTokens?: readonly string[];
  /** The special token that stands for unknown characters. Default `<unk>`. */
  unknownToken?: string;
  /**
   * `'sentencepiece'` (the default) reads text as SentencePiece does: compatibility forms (NFKC), every white space a
   * space, runs of spaces one. `'none'` keeps every character, line ends too.
   */
  normalization?: 'sentencepiece' | 'none';
  /** Write unknown characters as bytes, 256 tokens, so that everything can be encoded. Default `false`. */
  byteFallback?: boolean;
  /** Characters in a token, at most. Default 16. */
  longestPiece?: number;
  /** How many candidates to begin with. Default 1,000,000. */
  seedSize?: number;
  /** Called after every step of expectation maximization. */
  onProgress?: (progress: UnigramTrainingProgress) => void;
}

const NAMES = [
  'vocabSize',
  'specialTokens',
  'unknownToken',
  'normalization',
  'byteFallback',
  'longestPiece',
  'seedSize',
  'onProgress',
];

/**
 * Trains a Unigram tokenizer, as SentencePiece does: a vocabulary under which the text is most probable when every token
 * is drawn on its own, `p(text) = Σ over ways to cut it of Π p(token)`. Encoding takes the most probable way.
 *
 * The result depends on the texts alone. Ids are: special tokens, bytes, pieces from the most probable down.
 *
 * @param texts one text, or many
 * @param options `vocabSize` (tokens), and optionally the others
 * @returns the tokenizer; with `byteFallback` and without normalization `decode(encode(text))` is the text, unless it
 *   holds ▁ (U+2581), which stands for a space
 * @throws E_EMPTY_TEXT without any word; E_TEXT when something is not a string; E_VOCAB_SIZE when `vocabSize` cannot hold
 *   the special tokens and bytes; E_SPECIAL_TOKEN for an empty, repeated or missing one; E_OPTION for anything else
 * @see Kudo, "Subword Regularization", section 3.2; Kudo and Richardson, "SentencePiece"
 *
 * @example
 * ```ts
 * import { trainUnigram } from '@tesserae/tokenizer';
 *
 * const tokenizer = trainUnigram('the cat sat on the mat, the rat sat on the cat', { vocabSize: 24 });
 * console.log(tokenizer.decode(tokenizer.encode('the cat  sat'))); // → the cat sat
 * ```
 */
export function trainUnigram(texts: string | Iterable<string>, options: UnigramTrainingOptions): Tokenizer {
  checkOptions('trainUnigram', options, NAMES);
  const { vocabSize, specialTokens = ['<unk>'], unknownToken = '<unk>', onProgress } = options;
  const { normalization = 'sentencepiece', byteFallback = false, longestPiece = 16, seedSize = 1_000_000 } = options;
  checkSpecialTokens(specialTokens);
  if (!specialTokens.includes(unknownToken))
    throw tokenizerError(
      'E_SPECIAL_TOKEN',
      `unknownToken ${JSON.stringify(unknownToken)} is none of the special tokens`,
      'list it in specialTokens',
    );
  if (normalization !== 'sentencepiece' && normalization !== 'none')
    throw tokenizerError(
      'E_OPTION',
      `normalization is ${describeValue(normalization)}`,
      "use 'sentencepiece' or 'none'",
    );
  checkCount('longestPiece', longestPiece);
  checkCount('seedSize', seedSize);
  const first = [...specialTokens, ...(byteFallback ? byteTokens() : [])];
  checkVocabSize(vocabSize, first.length + 1, `${first.length} special tokens and bytes, and a character`);

  const form = { lossless: normalization === 'none', byteFallback, unknown: specialTokens.indexOf(unknownToken) };
  const cut = piecesOf(unigramJson([], specialTokens, form));
  const words = countPieces(eachText('trainUnigram', texts), specialTokens, cut);
  if (words.size === 0) throw emptyText('trainUnigram');
  let total = 0;
  for (const count of words.values()) total += count;
  const taken = new Set(first);
  const pieces = learnPieces(words, {
    size: vocabSize - first.length,
    longestPiece,
    seedSize,
    shrinkingFactor: 0.75,
    onRound: onProgress && ((left, sum) => onProgress({ pieces: left, vocabSize, logLikelihood: sum / total })),
  }).filter(({ piece }) => !taken.has(piece));
  const vocab: [string, number][] = [
    ...first.map((token): [string, number] => [token, 0]),
    ...pieces.map(({ piece, score }): [string, number] => [piece, score]),
  ];
  return createPipelineTokenizer(unigramJson(vocab, specialTokens, form));
}

function byteTokens(): string[] {
  return Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
}

interface UnigramForm {
  lossless: boolean;
  byteFallback: boolean;
  unknown: number;
}

function unigramJson(
  vocab: [string, number][],
  specialTokens: readonly string[],
  { lossless, byteFallback, unknown }: UnigramForm,
): TokenizerJson {
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: lossless ? 'never' : 'always', split: true };
  const lines = { type: 'Split', pattern: { Regex: '\\n+' }, behavior: 'Isolated', invert: false };
  const decoders: TokenizerPartJson[] = [...(byteFallback ? [{ type: 'ByteFallback' }] : []), metaspace];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map(specialTokenJson),
    normalizer: lossless
      ? null
      : {
          type: 'Sequence',
          normalizers: [
            { type: 'Nmt' },
            { type: 'NFKC' },
            { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
            { type: 'Replace', pattern: { Regex: '\\A +| +\\z' }, content: '' },
          ],
        },
    pre_tokenizer: lossless ? { type: 'Sequence', pretokenizers: [metaspace, lines] } : metaspace,
    post_processor: null,
    decoder: byteFallback ? { type: 'Sequence', decoders } : metaspace,
    model: { type: 'Unigram', unk_id: unknown, vocab, byte_fallback: byteFallback },
  };
}
