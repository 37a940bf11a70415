import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import { describeValue } from '@tesserae/registry';
import { checkId } from '../byte-level/token-bytes';
import { encodingMethods } from '../encoding/encode';
import { checkText, tokenizerError } from '../errors/tokenizer-error';
import type { DecodeOptions, Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { createPipeline, wellFormed } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { chosenSpecialTokens } from '../special-tokens/split';
import { streamByDecoding } from '../streaming/stream-by-decoding';
import { jsonError } from '../tokenizer-json/check';

/** Makes a tokenizer that `@huggingface/tokenizers` runs, for every kind of `tokenizer.json` that it knows. */
export function createHuggingFaceTokenizer(json: TokenizerJson): Tokenizer {
  const library = build(json);
  const added = json.added_tokens ?? [];
  const special = new Map(added.filter((token) => token.special).map((token) => [token.content, token.id]));
  const vocabulary = library.get_vocab();
  let vocabSize = 0;
  for (const id of vocabulary.values()) vocabSize = Math.max(vocabSize, id + 1);

  const parsers = new Map<string, LibraryTokenizer>(); // by the special tokens that they find in text
  const parserFor = (parse: boolean | readonly string[]): LibraryTokenizer => {
    const names = chosenSpecialTokens(special, parse);
    if (names.length === special.size) return library;
    const key = JSON.stringify(names);
    let parser = parsers.get(key);
    if (!parser) {
      parser = build({
        ...json,
        added_tokens: added.filter((token) => !token.special || names.includes(token.content)),
      });
      if (parsers.size > 8) parsers.clear();
      parsers.set(key, parser);
    }
    return parser;
  };

  const decode = (ids: ArrayLike<number>, options: DecodeOptions = {}): string => {
    const list = Array.from(ids);
    for (const [i, id] of list.entries())
      checkId(id, vocabSize, i, (known) => library.id_to_token(known) !== undefined);
    if (list.length === 0) return '';
    return library.decode(list, {
      skip_special_tokens: options.skipSpecialTokens ?? false,
      clean_up_tokenization_spaces: options.cleanUpSpaces ?? false,
    });
  };

  let pipeline: Pipeline | undefined; // made when offsets are asked for
  return {
    kind: 'hugging-face',
    vocabSize,
    specialTokens: Object.freeze(Object.fromEntries(special)),
    encode(text, options = {}) {
      checkText('encode', text);
      const parser = parserFor(options.parseSpecialTokens ?? true);
      const { tokens, ids } = parser.encode(wellFormed(text), { add_special_tokens: options.addSpecialTokens ?? true });
      return Int32Array.from(tokens, (token, i) => {
        // A parser that finds fewer special tokens may not know those that the template adds; the library's own
        // answer for what is in no vocabulary is the unknown token.
        const id = library.token_to_id(token) ?? (ids[i] as number | undefined);
        if (id === undefined)
          throw tokenizerError(
            'E_UNKNOWN_CHARACTER',
            `${describeValue(token)} is not in the vocabulary, which has no unknown token`,
            'leave it out of the text, or use a tokenizer that covers it',
          );
        return id;
      });
    },
    decode,
    createDecodeStream: (options = {}) => streamByDecoding((ids) => decode(ids, options)),
    tokenToId: (token) => library.token_to_id(token),
    idToToken: (id) => library.id_to_token(id),
    toJSON: () => json,
    ...encodingMethods(() => (pipeline ??= createPipeline(json))),
  };
}

function build(json: TokenizerJson): LibraryTokenizer {
  const complete = {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...json,
    added_tokens: json.added_tokens ?? [],
  };
  try {
    // The library has no WordLevel; its model for old vocabularies does the same, and takes the unknown token from here.
    return new LibraryTokenizer(complete, json.model.type === 'WordLevel' ? { unk_token: json.model.unk_token } : {});
  } catch (cause) {
    throw jsonError(`not one that can be run (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
}
