import type { TokenizerPartJson } from '../interface/tokenizer-json';
import { booleanSetting } from '../patterns/read-part';
import { Edits, editPiece, filterPiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';
import { lowercase } from './lowercase';
import { normalizeUnicode } from './unicode-forms';

const REMOVED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/u;
const WHITE_SPACE = /[\t\n\r\p{White_Space}]/u;
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;
const PLAIN = /^[ -~]*$/;

/** BERT's clean-up: no control characters, spaces around Chinese characters, no accents, lower case. */
export function bertNormalizer(json: TokenizerPartJson): (piece: Piece) => Piece {
  const clean = booleanSetting(json, 'clean_text', true);
  const chinese = booleanSetting(json, 'handle_chinese_chars', true);
  const lower = booleanSetting(json, 'lowercase', true);
  const accents = booleanSetting(json, 'strip_accents', lower);
  return (piece) => {
    if (!PLAIN.test(piece.text)) {
      if (clean) piece = cleanText(piece);
      if (chinese) piece = spaceChinese(piece);
      if (accents) piece = stripAccents(piece);
    }
    return lower ? lowercase(piece) : piece;
  };
}

function cleanText(piece: Piece): Piece {
  if (REMOVED.test(piece.text)) piece = filterPiece(piece, (character) => !REMOVED.test(character));
  return { ...piece, text: piece.text.replace(new RegExp(WHITE_SPACE, 'gu'), ' ') }; // all white space is one unit long
}

function spaceChinese(piece: Piece): Piece {
  if (!CHINESE.test(piece.text)) return piece;
  const edits = new Edits();
  for (const character of piece.text) {
    const spaced = CHINESE.test(character);
    if (spaced) edits.add(' ', 0);
    edits.add(character, spaced ? 1 : 0);
    if (spaced) edits.add(' ', 1);
  }
  return editPiece(piece, edits);
}

function stripAccents(piece: Piece): Piece {
  const decomposed = normalizeUnicode(piece, 'NFD');
  return /\p{Mn}/u.test(decomposed.text)
    ? filterPiece(decomposed, (character) => !/\p{Mn}/u.test(character))
    : decomposed;
}
