import { checkId } from '../byte-level/token-bytes';
import { createDecoder } from '../decoders/decoder';
import { encodingMethods } from '../encoding/encode';
import { checkText } from '../errors/tokenizer-error';
import type { DecodeOptions, Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { cleanUpSpaces } from '../streaming/clean-up';
import { streamByDecoding } from '../streaming/stream-by-decoding';
import { createPipeline } from './pipeline';

/**
 * Makes a tokenizer of any checked `tokenizer.json`: added tokens, normalizer, pre-tokenizer, model, post-processor and
 * decoder do what those of Hugging Face's Rust library do.
 */
export function createPipelineTokenizer(json: TokenizerJson): Tokenizer {
  const pipeline = createPipeline(json);
  const { model, special, added, tokens, postProcessor } = pipeline;
  const decoder = createDecoder(json.decoder);
  const specialIds = new Set(special.values());

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
      return Int32Array.from(
        postProcessor.single.flatMap((part) => ('ids' in part ? part.ids : part.sequence === 0 ? [...ids] : [])),
      );
    },
    decode,
    createDecodeStream: (options = {}) => streamByDecoding((ids) => decode(ids, options)),
    ...encodingMethods(() => pipeline),
    tokenToId: (token) => added.get(token) ?? model.vocabulary.get(token),
    idToToken: (id) => tokens[id],
    toJSON: () => json,
  };
}
