import { specialTokenJson } from '../byte-level/build-json';
import type { Tokenizer } from '../interface/tokenizer';
import type { TokenizerJson } from '../interface/tokenizer-json';
import { createModel } from '../models/create-model';
import { createPipelineTokenizer } from '../pipeline/pipeline-tokenizer';
import type { PipelineParts } from '../pipeline/pipeline';
import { PIECE } from '../sentence-piece/model-file';
import type { SentencePieceModel } from '../sentence-piece/model-file';
import { modelFileError } from '../sentence-piece/model-file-error';
import { sentencePieceJson } from '../sentence-piece/sentence-piece-json';
import { checkTokenizerJson, jsonError } from '../tokenizer-json/check';

/** The tokens of a Marian vocabulary that have a role. */
export interface MarianRoles {
  readonly unknown: string;
  readonly end: string;
  readonly padding: string;
}

/** What a piece that only the other language has scores in `toJSON()`: no text that has pieces of its own becomes it. */
const FOREIGN_SCORE = -1e4;

/**
 * Makes the tokenizer of one side of a Marian model: the SentencePiece model of the side cuts the text, and the vocabulary
 * that both sides share has the ids. A piece that the vocabulary lacks is unknown; a code of a language in front of the
 * text, `>>fr<<`, is one token; the end token stands behind.
 *
 * `toJSON()` is the nearest that the format can say: there a character that only the other side knows becomes its token.
 *
 * @param add puts in the tokens that were added to the vocabulary
 * @throws E_TOKENIZER_JSON when the two files do not go together
 */
export function createMarianTokenizer(
  side: SentencePieceModel,
  vocab: unknown,
  roles: MarianRoles,
  add: (json: TokenizerJson) => TokenizerJson = (json) => json,
): Tokenizer {
  if (side.kind !== 'unigram') throw modelFileError('it is of type bpe, and Marian has unigram');
  const ids = readVocabulary(vocab);
  const own = sentencePieceJson(side);
  const whole = checkTokenizerJson(add(sharedJson(side, own, ids, roles)));
  // Its class looks for added tokens in the text as it was given, whatever they say.
  const json = { ...whole, added_tokens: whole.added_tokens?.map((token) => ({ ...token, normalized: false })) };
  const special = new Set((json.added_tokens ?? []).filter((token) => token.special).map(({ content }) => content));
  return createPipelineTokenizer(json, exactParts(side, own, ids, roles.unknown, special));
}

/** The ids of the tokens, 0 up to one less than there are, each once. */
function readVocabulary(vocab: unknown): Map<string, number> {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) throw jsonError('vocab.json is no object');
  const entries = Object.entries(vocab) as [string, unknown][];
  const seen = new Uint8Array(entries.length);
  for (const [token, id] of entries) {
    if (!Number.isInteger(id) || !((id as number) >= 0 && (id as number) < entries.length) || seen[id as number] > 0)
      throw jsonError(`vocab.json gives ${JSON.stringify(token)} the id ${String(id)} of ${entries.length}, each once`);
    seen[id as number] = 1;
  }
  return new Map(entries as [string, number][]);
}

function idOf(ids: ReadonlyMap<string, number>, token: string): number {
  const id = ids.get(token);
  if (id === undefined) throw jsonError(`vocab.json has no token ${JSON.stringify(token)}`);
  return id;
}

function sharedJson(
  side: SentencePieceModel,
  own: TokenizerJson,
  ids: ReadonlyMap<string, number>,
  { unknown, end, padding }: MarianRoles,
): TokenizerJson {
  const scores = scoresOf(side);
  const special = [...new Set([unknown, end, padding])].map((token) => specialTokenJson(token, idOf(ids, token)));
  const vocab: [string, number][] = [];
  for (const [token, id] of ids) vocab[id] = [token, scores.get(token) ?? FOREIGN_SCORE];
  const text = (id: 'A' | 'B'): object => ({ Sequence: { id, type_id: 0 } });
  const last = { SpecialToken: { id: end, type_id: 0 } };
  return {
    ...own,
    added_tokens: special,
    post_processor: {
      type: 'TemplateProcessing',
      single: [text('A'), last],
      pair: [text('A'), text('B'), last],
      special_tokens: { [end]: { id: end, ids: [idOf(ids, end)], tokens: [end] } },
    },
    model: { type: 'Unigram', unk_id: idOf(ids, unknown), vocab, byte_fallback: false },
  };
}

/** What the format cannot say. */
function exactParts(
  side: SentencePieceModel,
  own: TokenizerJson,
  ids: ReadonlyMap<string, number>,
  unknown: string,
  special: ReadonlySet<string>,
): PipelineParts {
  const unknownId = idOf(ids, unknown);
  const { pieces } = side;
  const scores = scoresOf(side);
  const noPiece = new Set(pieces.filter(({ piece }) => !scores.has(piece)).map(({ piece }) => piece));
  const vocab = pieces.map(({ piece, score }): [string, number] => [piece, scores.get(piece) ?? score]);
  const cutting = createModel({ ...own.model, vocab }, noPiece);
  const joinPieces = pieceJoiner(side);
  const idOfPiece = Int32Array.from(pieces, ({ piece }) => ids.get(piece) ?? unknownId);
  const unknownPiece = pieces.findIndex(({ type }) => type === PIECE.unknown);
  return {
    model: (hidden) => ({
      kind: 'unigram',
      vocabulary: ids,
      tokenize(word) {
        const found = cutting.tokenize(word);
        const wanted = (id: number, at: number): number => {
          if (id !== unknownPiece) return idOfPiece[id];
          const text = word.slice(found.starts[at], found.ends[at]);
          return (hidden.has(text) ? undefined : ids.get(text)) ?? unknownId;
        };
        return { ...found, ids: found.ids.map(wanted) };
      },
    }),
    lead(text) {
      const end = text.startsWith('>>') ? text.indexOf('<<') : -1;
      return end < 0 ? undefined : { length: end + 2, id: ids.get(text.slice(0, end + 2)) ?? unknownId };
    },
    decoder: (tokens) => [joinRuns(tokens, special, joinPieces)],
  };
}

/** Special tokens stand out with a space behind; the pieces between them are joined each on their own. */
function joinRuns(
  tokens: readonly string[],
  special: ReadonlySet<string>,
  joinPieces: (pieces: readonly string[]) => string,
): string {
  let text = '';
  let run: string[] = [];
  for (const token of tokens) {
    if (!special.has(token)) run.push(token);
    else {
      text += `${joinPieces(run)}${token} `;
      run = [];
    }
  }
  return (text + joinPieces(run)).replaceAll('▁', ' ').trim();
}

/** SentencePiece's way back to text: the mark in front is left out, of pieces that the model knows. */
function pieceJoiner({
  pieces,
  addDummyPrefix,
  removeExtraWhitespaces,
}: SentencePieceModel): (run: readonly string[]) => string {
  const types = new Map(pieces.map(({ piece, type }) => [piece, type]));
  return (run: readonly string[]): string => {
    let text = '';
    let begins = addDummyPrefix || removeExtraWhitespaces;
    for (const piece of run) {
      const type = types.get(piece);
      if (type === PIECE.control) continue;
      const strips = begins && text === '' && type !== undefined && piece.startsWith('▁');
      text += strips ? piece.slice(1) : piece;
      if (strips && !removeExtraWhitespaces) begins = false;
    }
    return text;
  };
}

/** The scores with which pieces compete: those that the user defined win over whatever lies in them. */
function scoresOf({ pieces }: SentencePieceModel): Map<string, number> {
  const utf8 = new TextEncoder();
  const best = pieces.reduce(
    (most, { score, type }) => (type === PIECE.normal ? Math.max(most, score) : most),
    -Infinity,
  );
  const scored = pieces.filter(({ type }) => type === PIECE.normal || type === PIECE.user);
  return new Map(
    scored.map(({ piece, score, type }) => [
      piece,
      type === PIECE.user ? utf8.encode(piece).length * best - 0.1 : score,
    ]),
  );
}
