import { Edits, editPiece } from '../pipeline/piece';
import type { Piece } from '../pipeline/piece';

/** Unicode's normalization forms. */
export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * Brings a text into a normalization form, and keeps track of where each character comes from: the decomposition of a
 * character is itself and insertions, and a composition takes the changes of its parts together.
 */
export function normalizeUnicode(piece: Piece, form: UnicodeForm): Piece {
  const text = piece.text.normalize(form);
  if (text === piece.text) return piece;
  if (!piece.starts) return { ...piece, text };
  const decompose = form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD';
  // The decomposed characters in the order of the text, by character; canonical ordering keeps equal ones in order.
  const changesOf = new Map<string, { changes: number[]; used: number }>();
  for (const character of piece.text) {
    let change = 0;
    for (const part of character.normalize(decompose)) {
      const entry = changesOf.get(part) ?? { changes: [], used: 0 };
      entry.changes.push(change);
      changesOf.set(part, entry);
      change = 1;
    }
  }
  const edits = new Edits();
  for (const character of text) {
    let change = 1;
    for (const part of character.normalize('NFD')) {
      const entry = changesOf.get(part);
      change += (entry?.changes[entry.used++] ?? 1) - 1;
    }
    edits.add(character, change);
  }
  return editPiece(piece, edits);
}
