import { addedTokens, createAddedTokenCutter } from '../added-tokens/added-tokens';
import { IdList } from '../byte-level/encoder';
import type { Decoder } from '../decoders/decoder';
import { emptyRows } from '../encoding/encoding';
import type { EncodingRows } from '../encoding/encoding';
import type { EncodeOptions } from '../interface/encode-options';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { createModel } from '../models/create-model';
import type { Model } from '../models/model';
import { createNormalizer } from '../normalizers/normalizer';
import { createPostProcessor } from '../post-processors/post-processor';
import type { PostProcessor } from '../post-processors/post-processor';
import { createPreTokenizer } from '../pre-tokenizers/pre-tokenizer';
import { chosenSpecialTokens } from '../special-tokens/split';
import { wholePiece } from './piece';
import type { Piece } from './piece';

type Parse = EncodeOptions['parseSpecialTokens'];

/** Everything that a `tokenizer.json` says about turning text into tokens. */
export interface Pipeline {
  readonly json: TokenizerJson;
  readonly model: Model;
  readonly postProcessor: PostProcessor;
  /** The special tokens and their ids. */
  readonly special: ReadonlyMap<string, number>;
  /** All added tokens, special or not. */
  readonly added: ReadonlyMap<string, number>;
  /** The token of each id. */
  readonly tokens: readonly (string | undefined)[];
  /** The ids of a text, without those of the template. */
  ids(text: string, parse: Parse): IdList;
  /** The tokens of a text with all that is known about them; `tokens` as they stand in the text. */
  rows(text: string, sequence: 0 | 1, parse: Parse): EncodingRows;
}

/** What finds some of the special tokens; the others stay text, whatever the model would make of them. */
interface Runner {
  readonly cut: (piece: Piece) => Piece[];
  readonly model: Model;
}

/** What a tokenizer does that its `tokenizer.json` cannot say. */
export interface PipelineParts {
  /** The model, when some special tokens are not wanted. */
  model?(hidden: ReadonlySet<string>): Model;
  /** What stands in front of a stretch of text as one token: how long it is, and its id. */
  lead?(text: string): { readonly length: number; readonly id: number } | undefined;
  readonly decoder?: Decoder;
}

/** Makes the pipeline of a checked file. */
export function createPipeline(json: TokenizerJson, parts: PipelineParts = {}): Pipeline {
  const list = addedTokens(json);
  const normalize = createNormalizer(json.normalizer);
  const preTokenize = createPreTokenizer(json.pre_tokenizer);
  const special = new Map(list.filter((token) => token.special).map((token) => [token.content, token.id]));
  const added = new Map(list.map((token) => [token.content, token.id]));
  const modelWithout = (hidden: ReadonlySet<string>): Model => parts.model?.(hidden) ?? createModel(json.model, hidden);
  const model = modelWithout(new Set());
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of [...model.vocabulary, ...added]) tokens[id] = token;

  const runners = new Map<string, Runner>(); // by the special tokens that they find
  const runnerFor = (parse: Parse = true): Runner => {
    const names = new Set(chosenSpecialTokens(special, parse));
    const key = names.size === special.size ? '*' : JSON.stringify([...names]);
    let runner = runners.get(key);
    if (!runner) {
      const hidden = new Set([...special.keys()].filter((name) => !names.has(name)));
      runner = {
        cut: createAddedTokenCutter(
          list.filter((token) => !hidden.has(token.content)),
          normalize,
          parts.lead,
        ),
        model: hidden.size === 0 ? model : modelWithout(hidden),
      };
      if (runners.size > 8) runners.clear();
      runners.set(key, runner);
    }
    return runner;
  };
  const needsOrigin = /"prepend_scheme":"first"/.test(JSON.stringify(json.pre_tokenizer ?? null));
  const piecesOf = (text: string, track: boolean, { cut }: Runner): Piece[] =>
    cut(wholePiece(wellFormed(text), track || needsOrigin)).flatMap((piece) =>
      piece.tokenId === undefined ? preTokenize(piece) : [piece],
    );

  return {
    json,
    model,
    postProcessor: createPostProcessor(json.post_processor),
    special,
    added,
    tokens,
    ids(text, parse) {
      const ids = new IdList(text.length >> 1);
      const runner = runnerFor(parse);
      for (const piece of piecesOf(text, false, runner)) {
        if (piece.tokenId === undefined) ids.pushAll(runner.model.tokenize(piece.text).ids);
        else ids.push(piece.tokenId);
      }
      return ids;
    },
    rows(text, sequence, parse) {
      const rows = emptyRows();
      const runner = runnerFor(parse);
      for (const [word, piece] of piecesOf(text, true, runner).entries())
        pushPiece(rows, piece, word, sequence, runner.model);
      return rows;
    },
  };

  function pushPiece(rows: EncodingRows, piece: Piece, word: number, sequence: 0 | 1, { tokenize, kind }: Model): void {
    const { starts, ends, text } = piece;
    const push = (id: number, start: number, end: number, token = tokens[id] ?? ''): void => {
      rows.ids.push(id);
      rows.typeIds.push(sequence);
      rows.attentionMask.push(1);
      rows.specialTokensMask.push(0);
      rows.tokens.push(token);
      rows.offsets.push(end > start ? [starts![start], ends![end - 1]] : [piece.base, piece.base]);
      rows.wordIds.push(word);
      rows.sequenceIds.push(sequence);
    };
    if (piece.tokenId !== undefined) return push(piece.tokenId, 0, text.length, text);
    const unknown = kind === 'unigram' ? json.model.unk_id : undefined;
    const found = tokenize(text);
    for (let i = 0; i < found.ids.length; i++) {
      const [start, end] = [found.starts[i], found.ends[i]];
      push(found.ids[i], start, end, found.ids[i] === unknown ? text.slice(start, end) : undefined);
    }
  }
}

/** Lone surrogates become U+FFFD: in a regular expression with the flag `u`, `\p{Cs}` finds only those. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}
