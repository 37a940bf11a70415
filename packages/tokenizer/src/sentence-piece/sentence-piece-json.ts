import type { AddedTokenJson, TokenizerJson, TokenizerPartJson } from '../interface/tokenizer-json';
import { PIECE } from './model-file';
import { modelFileError } from './model-file-error';
import type { SentencePiece, SentencePieceModel } from './model-file';

const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: true };

/** Ids that are put around a text. */
export interface Surroundings {
  first?: number;
  last?: number;
}

/** The `tokenizer.json` that does what a SentencePiece model does. */
export function sentencePieceJson(model: SentencePieceModel, around: Surroundings = {}): TokenizerJson {
  if (!model.escapeWhitespaces) throw modelFileError('it does not escape white space');
  const { pieces, kind, byteFallback } = model;
  const unknown = pieces.findIndex(({ type }) => type === PIECE.unknown);
  if (unknown < 0) throw modelFileError('it has no unknown piece');
  const steps = normalizers(model);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(pieces),
    normalizer: steps.length === 0 ? null : { type: 'Sequence', normalizers: steps },
    pre_tokenizer: kind === 'unigram' ? METASPACE : null,
    post_processor: template(pieces, around),
    decoder: spacesAndBytes(model),
    model:
      kind === 'unigram'
        ? {
            type: 'Unigram',
            unk_id: unknown,
            vocab: pieces.map(({ piece, score }): [string, number] => [piece, score]),
            byte_fallback: byteFallback,
          }
        : {
            type: 'BPE',
            dropout: null,
            unk_token: pieces[unknown].piece,
            continuing_subword_prefix: null,
            end_of_word_suffix: null,
            fuse_unk: true,
            byte_fallback: byteFallback,
            ignore_merges: false,
            vocab: Object.fromEntries(pieces.map(({ piece }, id) => [piece, id])),
            merges: mergesOf(pieces),
          },
  };
}

function addedTokens(pieces: readonly SentencePiece[]): AddedTokenJson[] {
  return pieces.flatMap(({ piece, type }, id) => {
    const special = type === PIECE.control || type === PIECE.unknown;
    if (!special && type !== PIECE.user) return [];
    return [{ id, content: piece, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

function normalizers(model: SentencePieceModel): TokenizerPartJson[] {
  const steps: TokenizerPartJson[] = [];
  const replace = (pattern: object, content: string): TokenizerPartJson => ({ type: 'Replace', pattern, content });
  if (model.characterMap.length > 0)
    steps.push({ type: 'Precompiled', precompiled_charsmap: toBase64(model.characterMap) });
  if (model.removeExtraWhitespaces)
    steps.push(replace({ Regex: '\\A +|[ ▁]+\\z' }, ''), replace({ Regex: ' {2,}' }, ' '));
  // Metaspace would put nothing in front of a text that begins with ▁ itself.
  if (model.addDummyPrefix) steps.push({ type: 'Prepend', prepend: '▁' });
  if (model.kind === 'bpe') steps.push(replace({ String: ' ' }, '▁'));
  return steps;
}

function spacesAndBytes({
  addDummyPrefix,
  removeExtraWhitespaces,
  byteFallback,
}: SentencePieceModel): TokenizerPartJson {
  return {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      ...(byteFallback ? [{ type: 'ByteFallback' }] : []),
      { type: 'Fuse' },
      ...(addDummyPrefix ? [{ type: 'Strip', content: ' ', start: removeExtraWhitespaces ? 1024 : 1, stop: 0 }] : []),
    ],
  };
}

function template(pieces: readonly SentencePiece[], { first, last }: Surroundings): TokenizerPartJson | null {
  const named = [first, last]
    .filter((id): id is number => id !== undefined)
    .map((id) => ({ id: pieces[id].piece, ids: [id] }));
  if (named.length === 0) return null;
  const special = (id: number | undefined, typeId: number): object[] =>
    id === undefined ? [] : [{ SpecialToken: { id: pieces[id].piece, type_id: typeId } }];
  const text = (id: 'A' | 'B', typeId: number): object[] => [
    ...special(first, typeId),
    { Sequence: { id, type_id: typeId } },
    ...special(last, typeId),
  ];
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(named.map(({ id, ids }) => [id, { id, ids, tokens: [id] }])),
  };
}

/** The merges that lead to each piece, best score first: every way to cut it into two pieces. */
export function mergesOf(pieces: readonly SentencePiece[]): [string, string][] {
  const ids = new Map(pieces.map(({ piece }, id) => [piece, id]));
  const usable = (id: number | undefined): boolean =>
    id !== undefined && (pieces[id].type === PIECE.normal || pieces[id].type === PIECE.user);
  const merges: { left: string; right: string; score: number; id: number }[] = [];
  for (const [id, { piece, score, type }] of pieces.entries()) {
    if (type !== PIECE.normal || piece.length > 1024) continue;
    for (let cut = 1; cut < piece.length; cut++) {
      const [left, right] = [piece.slice(0, cut), piece.slice(cut)];
      if (usable(ids.get(left)) && usable(ids.get(right))) merges.push({ left, right, score, id });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.id - b.id || a.left.length - b.left.length);
  return merges.map(({ left, right }) => [left, right]);
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
