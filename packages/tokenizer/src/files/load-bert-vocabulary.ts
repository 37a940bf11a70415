import { checkOptions } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import { jsonError } from '../tokenizer-json/check';
import { wordPieceJson } from '../word-piece/word-piece-json';
import { loadTokenizer } from './load-tokenizer';
import { readTextFile } from './read-file';

/** The vocabulary of a BERT tokenizer. */
export interface BertVocabulary {
  /** The path of `vocab.txt`: a token a line. */
  vocab: string;
  /** Read text in lower case and without accents, as the `uncased` models want. Default `true`. */
  lowercase?: boolean;
  /** Take accents off. Default: as `lowercase`. */
  stripAccents?: boolean;
  /** Put spaces around Chinese characters. Default `true`. */
  chineseCharacters?: boolean;
}

const USUAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/**
 * Loads the WordPiece tokenizer of a BERT model from its `vocab.txt`: what follows is what `BertTokenizerFast` of
 * `transformers` makes of it.
 *
 * @param files the path of `vocab`, and optionally `lowercase`, `stripAccents`, `chineseCharacters`
 * @returns the tokenizer; it puts `[CLS]` in front and `[SEP]` after each text
 * @throws E_TOKENIZER_FILE when the file cannot be read; E_TOKENIZER_JSON when a token is listed twice or `[UNK]` is
 *   missing; E_OPTION for an unknown option
 * @see Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", section 3
 *
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { loadBertVocabulary } from '@tesserae/tokenizer';
 *
 * const vocab = join(mkdtempSync(join(tmpdir(), 'bert-')), 'vocab.txt');
 * writeFileSync(vocab, ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'play', '##ing', 'chess'].join('\n'));
 * const tokenizer = loadBertVocabulary({ vocab });
 * console.log(Array.from(tokenizer.encode('Playing chess'))); // → [ 2, 4, 5, 6, 3 ]
 * ```
 */
export function loadBertVocabulary(files: BertVocabulary): Tokenizer {
  checkOptions('loadBertVocabulary', files, ['vocab', 'lowercase', 'stripAccents', 'chineseCharacters']);
  const { lowercase = true, stripAccents, chineseCharacters = true } = files;
  const tokens = readTextFile(files.vocab, 'vocab.txt')
    .split('\n')
    .map((line) => line.replace(/\p{White_Space}+$/u, ''));
  if (tokens.at(-1) === '') tokens.pop();
  const known = new Set(tokens);
  const repeated = known.size === tokens.length ? undefined : tokens.find((token, i) => tokens.indexOf(token) !== i);
  if (repeated !== undefined) throw jsonError(`${files.vocab} lists ${JSON.stringify(repeated)} twice`);
  if (!known.has('[UNK]')) throw jsonError(`${files.vocab} has no token "[UNK]"`);
  return loadTokenizer(
    wordPieceJson(
      tokens,
      USUAL.filter((token) => known.has(token)),
      {
        lowercase,
        stripAccents: stripAccents ?? null,
        chinese: chineseCharacters,
        unknownToken: '[UNK]',
        firstToken: known.has('[CLS]') ? '[CLS]' : undefined,
        separatorToken: known.has('[SEP]') ? '[SEP]' : undefined,
      },
    ),
  );
}
