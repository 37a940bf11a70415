import { IdList } from '../byte-level/encoder';
import { decodeBytes, streamBytes } from '../byte-level/token-bytes';
import type { TokenTexts } from '../byte-level/token-bytes';
import { encodingMethods } from '../encoding/encode';
import { checkText, tokenizerError } from '../errors/tokenizer-error';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { createPipeline } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { createSplitterChoice } from '../special-tokens/split';

/** Makes the tokenizer of a checked `tokenizer.json` in the form that `characterJson` writes. */
export function createCharacterTokenizer(json: TokenizerJson): Tokenizer {
  const vocab = new Map(Object.entries(json.model.vocab as Record<string, number>));
  const list = json.added_tokens ?? [];
  const special = new Map(list.filter((token) => token.special).map((token) => [token.content, token.id]));
  const ordinary = new Map(list.filter((token) => !token.special).map((token) => [token.content, token.id]));
  const addedIds = new Map([...ordinary, ...special]);

  const utf8 = new TextEncoder();
  const tokens: string[] = [];
  const bytes: Uint8Array[] = [];
  const characters = new Map<number, number>(); // code point → id
  for (const [token, id] of vocab) {
    tokens[id] = token;
    bytes[id] = utf8.encode(token);
    const codePoint = token.codePointAt(0)!;
    if (token.length === (codePoint > 0xffff ? 2 : 1)) characters.set(codePoint, id);
  }
  for (const [token, id] of addedIds) tokens[id] = token;
  const texts: TokenTexts = {
    vocabSize: tokens.length,
    bytes,
    added: new Map(list.map((token) => [token.id, { text: token.content, special: token.special === true }])),
  };
  const unknown = typeof json.model.unk_token === 'string' ? vocab.get(json.model.unk_token) : undefined;
  const splitterFor = createSplitterChoice(special, ordinary);

  const encodeStretch = (text: string, start: number, end: number, ids: IdList): void => {
    for (let at = start; at < end; at++) {
      let codePoint = text.codePointAt(at)!;
      const from = at;
      if (codePoint > 0xffff) at++;
      else if (codePoint >= 0xd800 && codePoint <= 0xdfff) codePoint = 0xfffd; // a lone surrogate
      const id = characters.get(codePoint) ?? unknown;
      if (id === undefined) throw unknownCharacter(codePoint, from);
      ids.push(id);
    }
  };

  let pipeline: Pipeline | undefined; // made when offsets are asked for
  return {
    kind: 'character',
    vocabSize: tokens.length,
    specialTokens: Object.freeze(Object.fromEntries(special)),
    encode(text, options = {}) {
      checkText('encode', text);
      const ids = new IdList(text.length);
      splitterFor(options.parseSpecialTokens)(text, {
        text: (start, end) => encodeStretch(text, start, end, ids),
        token: (id) => ids.push(id),
      });
      return ids.toArray();
    },
    decode: (ids, options = {}) => decodeBytes(texts, ids, options),
    createDecodeStream: (options = {}) => streamBytes(texts, options),
    tokenToId: (token) => addedIds.get(token) ?? vocab.get(token),
    idToToken: (id) => tokens[id],
    toJSON: () => json,
    ...encodingMethods(() => (pipeline ??= createPipeline(json))),
  };
}

function unknownCharacter(codePoint: number, position: number): Error {
  const name = `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
  return tokenizerError(
    'E_UNKNOWN_CHARACTER',
    `${JSON.stringify(String.fromCodePoint(codePoint))} (${name}) at position ${position} is not in the vocabulary`,
    'train the tokenizer on text that holds it, or with an unknownToken; trainByteLevelBpe encodes everything',
    { details: { codePoint, position } },
  );
}
