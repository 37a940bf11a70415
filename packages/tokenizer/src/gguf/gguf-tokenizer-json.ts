import { describeValue } from '@tesserae/registry';
import { byteLevelBpeJson, specialTokenJson } from '../byte-level/build-json';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { PIECE } from '../sentence-piece/model-file';
import type { SentencePiece } from '../sentence-piece/model-file';
import { sentencePieceJson } from '../sentence-piece/sentence-piece-json';
import { wordPieceJson } from '../word-piece/word-piece-json';
import { ggufError } from './read-metadata';
import type { GgufValue } from './read-metadata';

type Metadata = ReadonlyMap<string, GgufValue>;

const LLAMA_3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
/** The words of byte-level vocabularies, by `tokenizer.ggml.pre`; undefined: GPT-2's. */
const WORDS: Record<string, string | undefined> = {
  default: undefined,
  'gpt-2': undefined,
  'llama-bpe': LLAMA_3,
  qwen2: LLAMA_3.replace('{1,3}', ''),
};

/** The `tokenizer.json` of the vocabulary in GGUF metadata. */
export function ggufTokenizerJson(metadata: Metadata): TokenizerJson {
  const kind = metadata.get('tokenizer.ggml.model');
  switch (kind) {
    case 'llama':
      return sentencePiece(metadata, 'bpe');
    case 't5':
      return sentencePiece(metadata, 'unigram');
    case 'gpt2':
      return byteLevel(metadata);
    case 'bert':
      return bert(metadata);
    default:
      throw ggufError(`its tokenizer is ${describeValue(kind)}, expected llama, t5, gpt2 or bert`);
  }
}

function list<T>(metadata: Metadata, name: string, isKind: (value: unknown) => value is T): T[] {
  const value = metadata.get(`tokenizer.ggml.${name}`);
  if (Array.isArray(value) && value.every(isKind)) return value as T[];
  throw ggufError(`tokenizer.ggml.${name} is ${describeValue(value)}, which is no such list`);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';

function readPieces(metadata: Metadata): SentencePiece[] {
  const tokens = list(metadata, 'tokens', isText);
  const scores = metadata.has('tokenizer.ggml.scores') ? list(metadata, 'scores', isNumber) : tokens.map(() => 0);
  const types = metadata.has('tokenizer.ggml.token_type')
    ? list(metadata, 'token_type', isNumber)
    : tokens.map(() => PIECE.normal as number);
  if (scores.length !== tokens.length || types.length !== tokens.length)
    throw ggufError(`it has ${tokens.length} tokens, ${scores.length} scores and ${types.length} types`);
  return tokens.map((piece, id) => ({ piece, score: scores[id], type: types[id] }));
}

/** An id that is added to texts, when the file says so. */
function addedId(metadata: Metadata, name: 'bos' | 'eos', otherwise: boolean, size: number): number | undefined {
  const id = metadata.get(`tokenizer.ggml.${name}_token_id`);
  const add = metadata.get(`tokenizer.ggml.add_${name}_token`) ?? otherwise;
  return add === true && typeof id === 'number' && id < size ? id : undefined;
}

function sentencePiece(metadata: Metadata, kind: 'unigram' | 'bpe'): TokenizerJson {
  const pieces = readPieces(metadata);
  const map = metadata.get('tokenizer.ggml.precompiled_charsmap');
  return sentencePieceJson(
    {
      pieces,
      kind,
      byteFallback: pieces.some(({ type }) => type === PIECE.byte),
      characterMap: Array.isArray(map) ? Uint8Array.from(map as number[]) : new Uint8Array(0),
      addDummyPrefix: metadata.get('tokenizer.ggml.add_space_prefix') !== false,
      removeExtraWhitespaces: metadata.get('tokenizer.ggml.remove_extra_whitespaces') === true,
      escapeWhitespaces: true,
    },
    {
      first: addedId(metadata, 'bos', kind === 'bpe', pieces.length),
      last: addedId(metadata, 'eos', kind === 'unigram', pieces.length),
    },
  );
}

function byteLevel(metadata: Metadata): TokenizerJson {
  const pieces = readPieces(metadata);
  const pre = metadata.get('tokenizer.ggml.pre') ?? 'default';
  if (typeof pre !== 'string' || !Object.hasOwn(WORDS, pre))
    throw ggufError(`tokenizer.ggml.pre is ${describeValue(pre)}, expected one of ${Object.keys(WORDS).join(', ')}`);
  const special = pieces.flatMap(({ piece, type }, id) =>
    type === PIECE.control || type === PIECE.user
      ? [{ ...specialTokenJson(piece, id), special: type === PIECE.control }]
      : [],
  );
  const vocab = Object.fromEntries(pieces.map(({ piece }, id) => [piece, id]));
  const json = byteLevelBpeJson(vocab, list(metadata, 'merges', isText), special);
  const pattern = WORDS[pre];
  if (pattern !== undefined) {
    const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
    json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, { ...json.pre_tokenizer!, use_regex: false }] };
    json.model.ignore_merges = pre === 'llama-bpe';
  }
  return json;
}

/** Words begin with ▁ in GGUF, and in `vocab.txt` continuations with ##. */
function bert(metadata: Metadata): TokenizerJson {
  const pieces = readPieces(metadata);
  const isSpecial = ({ piece, type }: SentencePiece): boolean => type === PIECE.control || /^\[[A-Z]+\]$/.test(piece);
  const tokens = pieces.map((one) => {
    if (isSpecial(one)) return one.piece;
    return one.piece.startsWith('▁') ? one.piece.slice(1) : `##${one.piece}`;
  });
  const named = (id: string): string | undefined => {
    const value = metadata.get(`tokenizer.ggml.${id}_token_id`);
    return typeof value === 'number' ? tokens[value] : undefined;
  };
  return wordPieceJson(
    tokens,
    tokens.filter((_, id) => isSpecial(pieces[id])),
    {
      lowercase: true,
      unknownToken: named('unknown') ?? '[UNK]',
      firstToken: named('cls') ?? named('bos') ?? '[CLS]',
      separatorToken: named('seperator') ?? named('separator') ?? named('eos') ?? '[SEP]',
    },
  );
}
