import { describeValue } from '@tesserae/registry';
import { tokenizerError } from '../errors/tokenizer-error';
import type { DecodeOptions, DecodeStream, DecodeStreamOptions } from '../interface/tokenizer';
import { cleanUpSpaces } from '../streaming/clean-up';

/** What each id stands for: bytes, or (special and other added tokens) a text of its own. */
export interface TokenTexts {
  readonly vocabSize: number;
  /** The bytes of ordinary tokens; undefined for added tokens and unused ids. */
  readonly bytes: readonly (Uint8Array | undefined)[];
  /** The text of added tokens. */
  readonly added: ReadonlyMap<number, { text: string; special: boolean }>;
}

/** Throws E_TOKEN_ID unless `id` is one that the tokenizer has. */
export function checkId(
  id: unknown,
  vocabSize: number,
  position: number,
  known: (id: number) => boolean,
): asserts id is number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize && known(id)) return;
  const inRange = typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize;
  throw tokenizerError(
    'E_TOKEN_ID',
    inRange
      ? `ids[${position}] is ${id}, which no token of this vocabulary has`
      : `ids[${position}] is ${describeValue(id)}, outside 0…${vocabSize - 1}`,
    'decode with the tokenizer that the model was trained with, and keep ids below its vocabSize',
  );
}

const utf8 = (): InstanceType<typeof TextDecoder> => new TextDecoder('utf-8', { ignoreBOM: true });

/** Ids to text. Bytes on both sides of an added token are decoded apart. */
export function decodeBytes(texts: TokenTexts, ids: ArrayLike<number>, options: DecodeOptions): string {
  const decoder = utf8();
  const known = (id: number): boolean => texts.bytes[id] !== undefined || texts.added.has(id);
  let buffer = new Uint8Array(Math.max(64, ids.length * 6));
  let used = 0;
  let out = '';
  const flush = (): void => {
    out += decoder.decode(buffer.subarray(0, used));
    used = 0;
  };
  for (let i = 0; i < ids.length; i++) {
    const id: unknown = ids[i];
    checkId(id, texts.vocabSize, i, known);
    const added = texts.added.get(id);
    if (added) {
      if (added.special && options.skipSpecialTokens) continue;
      flush();
      out += added.text;
      continue;
    }
    const bytes = texts.bytes[id]!;
    if (used + bytes.length > buffer.length) {
      const grown = new Uint8Array(Math.max(buffer.length * 2, used + bytes.length));
      grown.set(buffer.subarray(0, used));
      buffer = grown;
    }
    buffer.set(bytes, used);
    used += bytes.length;
  }
  flush();
  return options.cleanUpSpaces ? cleanUpSpaces(out) : out;
}

/** Decodes id by id: the UTF-8 decoder itself holds back the bytes of an unfinished code point. */
export function streamBytes(texts: TokenTexts, options: DecodeStreamOptions): DecodeStream {
  const known = (id: number): boolean => texts.bytes[id] !== undefined || texts.added.has(id);
  let decoder = utf8();
  return {
    push(id) {
      checkId(id, texts.vocabSize, 0, known);
      const added = texts.added.get(id);
      if (!added) return decoder.decode(texts.bytes[id], { stream: true });
      if (added.special && options.skipSpecialTokens) return '';
      return decoder.decode() + added.text;
    },
    end() {
      const rest = decoder.decode();
      decoder = utf8();
      return rest;
    },
  };
}
