/** A part of a text and where it stands, in UTF-16 units. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const word = /[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu;

/** The words of a text: letters and digits, with apostrophes and hyphens inside. */
export const wordsOf = (text: string): Part[] =>
  Array.from(text.matchAll(word), ({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
    text: found,
  }));

/** What readers take for single characters (grapheme clusters) in a part of a text. */
export function charactersOf({ start, text }: Part): Part[] {
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text);
  return Array.from(graphemes, ({ segment, index }) => ({
    start: start + index,
    end: start + index + segment.length,
    text: segment,
  }));
}

/** The characters of all words that hold no digit, each word's in a list of its own: numbers are not to be changed. */
export const lettersOf = (text: string): Part[][] =>
  wordsOf(text)
    .filter((one) => !/\p{N}/u.test(one.text))
    .map(charactersOf);

/** Written as the model is: all capitals, a capital first, or as it comes. */
export function inCaseOf(model: string, text: string): string {
  if (model.length > 1 && model === model.toUpperCase() && model !== model.toLowerCase()) return text.toUpperCase();
  const [first] = model;
  return first !== first.toLowerCase() ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
