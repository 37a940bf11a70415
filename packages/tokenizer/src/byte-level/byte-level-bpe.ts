import { encodingMethods } from '../encoding/encode';
import { checkText } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson, TokenizerPartJson } from '../interface/tokenizer-json';
import { createPipeline } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { createSplitterChoice } from '../special-tokens/split';
import { splitMerge } from '../tokenizer-json/check';
import { byteAlphabet, tokenBytes } from './alphabet';
import { createWordEncoder, IdList } from './encoder';
import type { Merges } from './merge';
import { PairTable } from './pair-table';
import { decodeBytes, streamBytes } from './token-bytes';
import type { TokenTexts } from './token-bytes';

/**
 * Whether a checked `tokenizer.json` is plain byte-level BPE: GPT-2's pre-tokenization and byte alphabet and nothing
 * else, so that the encoder here gives the ids that the libraries give.
 */
export function isPlainByteLevelBpe(json: TokenizerJson): boolean {
  const { model, pre_tokenizer: split, post_processor: post, decoder } = json;
  const vocab = model.vocab;
  if (model.type !== 'BPE' || Array.isArray(vocab)) return false;
  if (model.dropout || model.continuing_subword_prefix || model.end_of_word_suffix || model.byte_fallback) return false;
  if (json.normalizer || json.truncation || json.padding) return false;
  if (!isByteLevel(split) || split.add_prefix_space !== false || split.use_regex === false) return false;
  if (post && !isByteLevel(post)) return false;
  if (!isByteLevel(decoder)) return false;
  if (!byteAlphabet().characters.every((character) => Object.hasOwn(vocab, character))) return false;
  return (json.added_tokens ?? []).every(
    (token) =>
      !token.lstrip &&
      !token.rstrip &&
      !token.single_word &&
      (vocab[token.content] ?? token.id) === token.id &&
      !/[\ud800-\udfff]/u.test(token.content),
  );
}

function isByteLevel(part: TokenizerPartJson | null | undefined): part is TokenizerPartJson {
  return part?.type === 'ByteLevel';
}

/** Makes the tokenizer of a checked `tokenizer.json` for which {@link isPlainByteLevelBpe} holds. */
export function createByteLevelBpe(json: TokenizerJson): Tokenizer {
  const vocab = new Map(Object.entries(json.model.vocab as Record<string, number>));
  const texts = readTexts(json, vocab);
  const added = new Map([...texts.added].map(([id, { text }]) => [text, id]));
  const special = new Map([...added].filter(([, id]) => texts.added.get(id)!.special));
  const ordinary = new Map([...added].filter(([, id]) => !texts.added.get(id)!.special));
  const tokens: string[] = [];
  for (const [token, id] of [...vocab, ...added]) tokens[id] = token;

  const byteIds = Int32Array.from(byteAlphabet().characters, (character) => vocab.get(character)!);
  const encoder = createWordEncoder(byteIds, readMerges(json, vocab), wholeWordLookup(json, vocab));
  const splitterFor = createSplitterChoice(special, ordinary);

  let pipeline: Pipeline | undefined; // made when offsets are asked for
  return {
    kind: 'byte-level-bpe',
    vocabSize: texts.vocabSize,
    specialTokens: Object.freeze(Object.fromEntries(special)),
    encode(text, options = {}) {
      checkText('encode', text);
      const ids = new IdList(text.length >> 1);
      splitterFor(options.parseSpecialTokens)(text, {
        text: (start, end) => encoder.encode(text, start, end, ids),
        token: (id) => ids.push(id),
      });
      return ids.toArray();
    },
    decode: (ids, options = {}) => decodeBytes(texts, ids, options),
    createDecodeStream: (options = {}) => streamBytes(texts, options),
    tokenToId: (token) => added.get(token) ?? vocab.get(token),
    idToToken: (id) => tokens[id],
    toJSON: () => json,
    ...encodingMethods(() => (pipeline ??= createPipeline(json))),
  };
}

function readTexts(json: TokenizerJson, vocab: ReadonlyMap<string, number>): TokenTexts {
  const added = new Map(
    (json.added_tokens ?? []).map((token) => [token.id, { text: token.content, special: token.special === true }]),
  );
  const bytes: (Uint8Array | undefined)[] = [];
  let vocabSize = 0;
  for (const [token, id] of vocab) {
    vocabSize = Math.max(vocabSize, id + 1);
    if (!added.has(id)) bytes[id] = tokenBytes(token) ?? new TextEncoder().encode(token);
  }
  for (const id of added.keys()) vocabSize = Math.max(vocabSize, id + 1);
  return { vocabSize, bytes, added };
}

function readMerges(json: TokenizerJson, vocab: ReadonlyMap<string, number>): Merges {
  const list = json.model.merges ?? [];
  const ranks = new PairTable(list.length);
  const results = new Int32Array(list.length);
  for (const [rank, merge] of list.entries()) {
    const [left, right] = splitMerge(merge)!;
    results[rank] = vocab.get(left + right)!;
    ranks.set(vocab.get(left)!, vocab.get(right)!, rank);
  }
  return { ranks, results };
}

/** With `ignore_merges`, a word that is a token needs no merging. */
function wholeWordLookup(
  json: TokenizerJson,
  vocab: ReadonlyMap<string, number>,
): ((bytes: Uint8Array) => number | undefined) | undefined {
  if (!json.model.ignore_merges) return undefined;
  const { characters } = byteAlphabet();
  let longest = 0;
  for (const token of vocab.keys()) longest = Math.max(longest, token.length);
  return (bytes) => {
    if (bytes.length > longest) return undefined;
    let token = '';
    for (const byte of bytes) token += characters[byte];
    return vocab.get(token);
  };
}
