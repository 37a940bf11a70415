import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { asPart, DEEPEST_NESTING, listSetting, stringSetting, tooDeep, booleanSetting } from '../patterns/read-part';
import { matchesOf, readPattern } from '../patterns/pattern';
import { Edits, editPiece, filterPiece, prependToPiece, replaceInPiece, slicePiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import { jsonError } from '../tokenizer-json/check';
import { mapBytes } from '../pre-tokenizers/byte-level';
import { bertNormalizer } from './bert';
import { lowercase } from './lowercase';
import { precompiled } from './precompiled';
import { normalizeUnicode } from './unicode-forms';

/** Changes a text before it is cut into words. */
export type Normalizer = (piece: Piece) => Piece;

/** Makes the normalizer that a file describes. */
export function createNormalizer(json: TokenizerPartJson | null | undefined, depth = 0): Normalizer {
  if (!json) return (piece) => piece;
  if (depth > DEEPEST_NESTING) throw tooDeep('normalizer');
  switch (json.type) {
    case 'Sequence': {
      const steps = listSetting(json, 'normalizers').map((part) =>
        createNormalizer(asPart(part, 'normalizer'), depth + 1),
      );
      return (piece) => steps.reduce((done, step) => step(done), piece);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = json.type;
      return (piece) => normalizeUnicode(piece, form);
    }
    case 'Lowercase':
      return lowercase;
    case 'BertNormalizer':
      return bertNormalizer(json);
    case 'Precompiled':
      return precompiled(json);
    case 'Prepend': {
      const prefix = stringSetting(json, 'prepend');
      return (piece) => prependToPiece(piece, prefix);
    }
    case 'Replace': {
      const pattern = readPattern(json);
      const content = stringSetting(json, 'content');
      return (piece) => replaceInPiece(piece, matchesOf(pattern, piece.text), content);
    }
    case 'Strip':
      return strip(booleanSetting(json, 'strip_left', true), booleanSetting(json, 'strip_right', true));
    case 'StripAccents':
      return (piece) => (/\p{M}/u.test(piece.text) ? filterPiece(piece, (c) => !/\p{M}/u.test(c)) : piece);
    case 'Nmt':
      return nmt;
    case 'ByteLevel':
      return mapBytes;
    default:
      throw jsonError(`not one that can be run (there is no normalizer ${JSON.stringify(json.type)})`);
  }
}

function strip(left: boolean, right: boolean): Normalizer {
  return (piece) => {
    const { text } = piece;
    const start = left ? /^\p{White_Space}*/u.exec(text)![0].length : 0;
    let end = text.length;
    if (right) while (end > start && /\p{White_Space}/u.test(text[end - 1])) end--;
    return { ...slicePiece(piece, start, end), base: piece.base };
  };
}

/** The clean-up of Google's NMT: control characters go, spaces of all kinds become a space. */
function nmt(piece: Piece): Piece {
  const removed = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/;
  const spaces = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/;
  if (!removed.test(piece.text) && !spaces.test(piece.text)) return piece;
  if (!piece.starts)
    return { ...piece, text: piece.text.replace(new RegExp(removed, 'g'), '').replace(new RegExp(spaces, 'g'), ' ') };
  const kept = filterPiece(piece, (character) => !removed.test(character));
  const edits = new Edits();
  for (const character of kept.text) edits.add(spaces.test(character) ? ' ' : character, 0);
  return editPiece(kept, edits);
}
