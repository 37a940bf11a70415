/** A piece that may become a token. */
export interface Candidate {
  piece: string;
  /** Log probability. */
  score: number;
}

/**
 * The pieces to begin with: every character, and the substrings of words that occur at least twice and are not always
 * followed by the same character, by how much text they cover (occurrences × length).
 */
export function seedPieces(
  words: ReadonlyMap<string, number>,
  { longest, size }: { longest: number; size: number },
): { characters: Map<string, number>; candidates: Candidate[] } {
  const characters = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const [word, weight] of words) {
    const units = [...word];
    for (let start = 0; start < units.length; start++) {
      let piece = units[start];
      characters.set(piece, (characters.get(piece) ?? 0) + weight);
      for (let end = start + 1; end < units.length && end - start < longest; end++) {
        piece += units[end];
        counts.set(piece, (counts.get(piece) ?? 0) + weight);
      }
    }
  }
  for (const [piece, count] of counts) if (count < 2) counts.delete(piece);
  const always = new Set<string>(); // followed by one character wherever they occur
  for (const [piece, count] of counts) {
    const beginning = piece.slice(0, piece.length - lastUnits(piece));
    if (counts.get(beginning) === count) always.add(beginning);
  }
  const covers = ([piece, count]: readonly [string, number]): number => count * [...piece].length;
  const multiple = [...counts].filter(([piece]) => !always.has(piece));
  multiple.sort((a, b) => covers(b) - covers(a) || (a[0] < b[0] ? -1 : 1));
  const kept = [...characters, ...multiple.slice(0, Math.max(0, size - characters.size))];
  const total = Math.log(kept.reduce((sum, entry) => sum + covers(entry), 0));
  return {
    characters,
    candidates: kept.map((entry) => ({ piece: entry[0], score: Math.log(covers(entry)) - total })),
  };
}

function lastUnits(text: string): number {
  const unit = text.charCodeAt(text.length - 1);
  return unit >= 0xdc00 && unit <= 0xdfff ? 2 : 1;
}
