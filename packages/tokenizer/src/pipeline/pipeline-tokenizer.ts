import { checkId } from '../byte-level/token-bytes';
import { createDecoder } from '../decoders/decoder';
import { encodingMethods } from '../encoding/encode';
import { checkText } from '../errors/tokenizer-error';
import type { DecodeOptions, Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson, TokenizerPartJson } from '../interface/tokenizer-json';
import type { PostProcessor } from '../post-processors/post-processor';
import { cleanUpSpaces } from '../streaming/clean-up';
import { streamByDecoding } from '../streaming/stream-by-decoding';
import { createPipeline } from './pipeline';
import type { PipelineParts } from './pipeline';

/**
 * Makes a tokenizer of any checked `tokenizer.json`: added tokens, normalizer, pre-tokenizer, model, post-processor and
 * decoder do what those of Hugging Face's Rust library do.
 *
 * @param parts what does more than the file can say
 */
export function createPipelineTokenizer(json: TokenizerJson, parts: PipelineParts = {}): Tokenizer {
  const pipeline = createPipeline(json, parts);
  const { model, special, added, tokens, postProcessor } = pipeline;
  const decoder = parts.decoder ?? createDecoder(json.decoder);
  const specialIds = new Set(special.values());

  const bytes = parts.decoder || !hasByteFallback(json.decoder) ? undefined : new Set(byteTokenIds(pipeline.tokens));

  const decode = (ids: ArrayLike<number>, options: DecodeOptions = {}): string => {
    const list: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      checkId(id, tokens.length, i, (known) => tokens[known] !== undefined);
      if (!options.skipSpecialTokens || !specialIds.has(id)) list.push(tokens[id]!);
    }
    const text = list.length === 0 ? '' : decoder(list).join('');
    return options.cleanUpSpaces ? cleanUpSpaces(text) : text;
  };

  return {
    kind: model.kind,
    vocabSize: tokens.length,
    specialTokens: Object.freeze(Object.fromEntries(special)),
    encode(text, options = {}) {
      checkText('encode', text);
      const ids = pipeline.ids(text, options.parseSpecialTokens).toArray();
      if (options.addSpecialTokens === false || postProcessor.single.length === 1) return ids;
      return inTemplate(postProcessor, ids);
    },
    decode,
    createDecodeStream: (options = {}) =>
      streamByDecoding(
        (ids) => decode(ids, options),
        (ids) => bytes !== undefined && endsInByte(ids, options.skipSpecialTokens === true ? specialIds : none, bytes),
      ),
    ...encodingMethods(() => pipeline),
    tokenToId: (token) => added.get(token) ?? model.vocabulary.get(token),
    idToToken: (id) => tokens[id],
    toJSON: () => json,
  };
}

const none: ReadonlySet<number> = /* @__PURE__ */ new Set();

/** Whether a decoder reads `<0xE2>` and the like as bytes: a run of them is one text, or one U+FFFD for each. */
function hasByteFallback(decoder: TokenizerPartJson | null | undefined): boolean {
  if (!decoder) return false;
  const steps = Array.isArray(decoder.decoders) ? (decoder.decoders as TokenizerPartJson[]) : [];
  return decoder.type === 'ByteFallback' || steps.some(hasByteFallback);
}

/** The ids of tokens that stand for one byte. */
const byteTokenIds = (tokens: readonly (string | undefined)[]): number[] =>
  tokens.flatMap((token, id) => (token !== undefined && /^<0x[\dA-Fa-f]{2}>$/.test(token) ? [id] : []));

/** Whether the last id that is not skipped is a byte. */
function endsInByte(ids: readonly number[], skipped: ReadonlySet<number>, bytes: ReadonlySet<number>): boolean {
  for (let at = ids.length - 1; at >= 0; at--) if (!skipped.has(ids[at])) return bytes.has(ids[at]);
  return false;
}

/** The ids of one text with those of the template around them. */
function inTemplate({ single }: PostProcessor, ids: Int32Array): Int32Array {
  const parts = single.map((part) => ('ids' in part ? part.ids : part.sequence === 0 ? ids : []));
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
