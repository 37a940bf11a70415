import type { Encoding } from '@tesserae/tokenizer';

/** A word of a text, where it stands, and its class. */
export interface LabelledWord {
  readonly start: number;
  readonly end: number;
  readonly label: number;
}

/** The label that does not count. */
const ignored = -100;

/**
 * A label for each token: that of its word where it is the word's first, else -100. With `continuations` the word's other
 * tokens get its label too, `I-…` in place of `B-…`.
 */
export function labelTokens(
  { ids, offsets, sequenceIds }: Encoding,
  words: readonly LabelledWord[],
  names: readonly string[],
  continuations: boolean,
): number[] {
  const within = names.map((label) => (label.startsWith('B-') ? names.indexOf(`I-${label.slice(2)}`) : -1));
  let before = -1; // the word of the last token
  let at = 0;
  return Array.from(ids, (_, i) => {
    const [start, end] = offsets[i];
    if (sequenceIds[i] === null || start === end) return ignored;
    while (at < words.length && words[at].end <= start) at++;
    const word = words[at];
    if (word === undefined || word.start >= end) return ignored; // a token of space alone
    const first = at !== before;
    before = at;
    if (first) return word.label;
    if (!continuations) return ignored;
    return within[word.label] >= 0 ? within[word.label] : word.label;
  });
}
