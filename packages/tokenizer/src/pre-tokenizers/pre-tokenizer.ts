import { describeValue } from '@tesserae/registry';
import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { literalPattern, readPattern, regexPattern, matchesOf } from '../patterns/pattern';
import type { Pattern } from '../patterns/pattern';
import {
  asPart,
  booleanSetting,
  countSetting,
  DEEPEST_NESTING,
  listSetting,
  stringSetting,
  tooDeep,
} from '../patterns/read-part';
import { prependToPiece, replaceInPiece, slicePiece, unitsAt } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import { jsonError } from '../tokenizer-json/check';
import { gpt2Words, mapBytes } from './byte-level';
import { readBehavior, splitPiece } from './split-piece';
import { scriptSpans } from './unicode-scripts';

/** Cuts a piece of text into words. */
export type PreTokenizer = (piece: Piece) => Piece[];

const PUNCTUATION = '!-\\/:-@\\[-`\\{-~\\p{P}';
const ANY_PUNCTUATION = /* @__PURE__ */ new RegExp(`[${PUNCTUATION}]`, 'gu');
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d';

/** Makes the pre-tokenizer that a file describes. */
export function createPreTokenizer(json: TokenizerPartJson | null | undefined, depth = 0): PreTokenizer {
  if (!json) return (piece) => (piece.text === '' ? [] : [piece]);
  if (depth > DEEPEST_NESTING) throw tooDeep('pre_tokenizer');
  switch (json.type) {
    case 'Sequence': {
      const steps = listSetting(json, 'pretokenizers').map((part) =>
        createPreTokenizer(asPart(part, 'pre_tokenizer'), depth + 1),
      );
      return (piece) => steps.reduce<Piece[]>((pieces, step) => pieces.flatMap((one) => step(one)), [piece]);
    }
    case 'ByteLevel':
      return byteLevel(json);
    case 'Metaspace':
      return metaspace(json);
    case 'BertPreTokenizer':
      return bertWords;
    case 'Whitespace':
      return words(new RegExp(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`, 'gu'));
    case 'WhitespaceSplit':
      return words(/\P{White_Space}+/gu);
    case 'Split': {
      const pattern = readPattern(json);
      const behavior = readBehavior(json);
      const invert = booleanSetting(json, 'invert', false);
      return (piece) => splitPiece(piece, invert ? inverted(pattern)(piece.text) : pattern(piece.text), behavior);
    }
    case 'Punctuation': {
      const behavior = readBehavior(json, 'Isolated');
      const pattern = regexPattern(ANY_PUNCTUATION);
      return (piece) => splitPiece(piece, pattern(piece.text), behavior);
    }
    case 'Digits': {
      const behavior = booleanSetting(json, 'individual_digits', false) ? 'Isolated' : 'Contiguous';
      const pattern = regexPattern(/\p{N}/gu);
      return (piece) => splitPiece(piece, pattern(piece.text), behavior);
    }
    case 'CharDelimiterSplit': {
      const pattern = literalPattern(stringSetting(json, 'delimiter'));
      return (piece) => splitPiece(piece, pattern(piece.text), 'Removed');
    }
    case 'FixedLength':
      return fixedLength(countSetting(json, 'length', 5));
    case 'UnicodeScripts':
      return (piece) => splitPiece(piece, scriptSpans(piece.text), 'Isolated');
    default:
      throw jsonError(`not one that can be run (there is no pre-tokenizer ${JSON.stringify(json.type)})`);
  }
}

function inverted(pattern: Pattern): Pattern {
  return (text) => pattern(text).map(([start, end, matched]) => [start, end, !matched] as const);
}

/** Keeps what the expression finds and removes what is between. */
function words(regex: RegExp): PreTokenizer {
  return (piece) => {
    const pieces: Piece[] = [];
    regex.lastIndex = 0;
    for (let match = regex.exec(piece.text); match; match = regex.exec(piece.text))
      pieces.push(slicePiece(piece, match.index, regex.lastIndex));
    return pieces;
  };
}

const BERT_WORDS = /* @__PURE__ */ new RegExp(`[${PUNCTUATION}]|[^${PUNCTUATION}\\p{White_Space}]+`, 'gu');

/** BERT's words: runs without space or punctuation, and each punctuation character alone. */
const bertWords = /* @__PURE__ */ words(BERT_WORDS);

function byteLevel(json: TokenizerPartJson): PreTokenizer {
  const prefix = booleanSetting(json, 'add_prefix_space', true);
  const useRegex = booleanSetting(json, 'use_regex', true);
  return (piece) => {
    if (prefix && !piece.text.startsWith(' ')) piece = prependToPiece(piece, ' ');
    const pieces = useRegex ? splitPiece(piece, gpt2Words(piece.text), 'Isolated') : [piece];
    return pieces.map(mapBytes);
  };
}

/** SentencePiece's spaces: they become a visible character, which words begin with. */
function metaspace(json: TokenizerPartJson): PreTokenizer {
  const replacement = stringSetting(json, 'replacement', '▁');
  if ([...replacement].length !== 1)
    throw jsonError(`Metaspace.replacement is ${describeValue(replacement)}, expected one character`);
  const scheme = json.prepend_scheme ?? (json.add_prefix_space === false ? 'never' : 'always');
  if (scheme !== 'always' && scheme !== 'first' && scheme !== 'never')
    throw jsonError(`Metaspace.prepend_scheme is ${describeValue(scheme)}, expected always, first or never`);
  const split = booleanSetting(json, 'split', true);
  const spaces = literalPattern(' ');
  return (piece) => {
    if (scheme === 'always' && piece.starts === null && isOneWord(piece.text, replacement))
      return [{ ...piece, text: replacement + piece.text }];
    // A mark is as long as a space, so that nothing moves.
    if (replacement.length === 1) piece = { ...piece, text: piece.text.replaceAll(' ', replacement) };
    else piece = replaceInPiece(piece, matchesOf(spaces, piece.text), replacement);
    const first = scheme === 'always' || (scheme === 'first' && piece.base === 0);
    if (first && !piece.text.startsWith(replacement)) piece = prependToPiece(piece, replacement);
    return split ? cutBefore(piece, replacement) : piece.text === '' ? [] : [piece];
  };
}

/** Whether a text holds neither spaces nor marks, as nearly all do after a cut at white space. */
const isOneWord = (text: string, mark: string): boolean =>
  text !== '' && text.indexOf(' ') < 0 && text.indexOf(mark) < 0;

/** Cuts a piece before each mark. */
function cutBefore(piece: Piece, mark: string): Piece[] {
  const pieces: Piece[] = [];
  for (let start = 0; start < piece.text.length;) {
    const next = piece.text.indexOf(mark, start + 1);
    const end = next < 0 ? piece.text.length : next;
    pieces.push(slicePiece(piece, start, end));
    start = end;
  }
  return pieces;
}

function fixedLength(length: number): PreTokenizer {
  if (length === 0) throw jsonError('FixedLength.length is 0, expected at least 1');
  return (piece) => {
    const spans: [number, number, boolean][] = [];
    for (let start = 0; start < piece.text.length;) {
      let end = start;
      for (let count = 0; count < length && end < piece.text.length; count++) end += unitsAt(piece.text, end);
      spans.push([start, end, true]);
      start = end;
    }
    return splitPiece(piece, spans, 'Isolated');
  };
}
