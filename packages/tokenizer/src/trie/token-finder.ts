import { TokenTrie } from './token-trie';

/** A token in a text: `[start, end)` in UTF-16 units, and which one. */
export interface FoundToken {
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

/** Finds the first token at or after a place. */
export type TokenFinder = (text: string, from: number) => FoundToken | undefined;

/**
 * Finds given texts in a text: the longest one at the leftmost place; of equal texts the first. The time for a text does not
 * depend on how many there are to find, only on how long they are where they begin alike.
 *
 * @param texts what is looked for; empty ones are never found
 */
export function createTokenFinder(texts: readonly string[]): TokenFinder {
  const trie = new TokenTrie(texts.reduce((sum, text) => sum + text.length, 0));
  for (let index = texts.length - 1; index >= 0; index--) if (texts[index] !== '') trie.add(texts[index], index);
  return (text, from) => {
    for (let start = from; start < text.length; start++) {
      let node = trie.child(0, text.charCodeAt(start));
      let longest = -1;
      let index = -1;
      for (let end = start + 1; node >= 0; end++) {
        if (trie.values[node] >= 0) [longest, index] = [end, trie.values[node]];
        if (end === text.length) break;
        node = trie.child(node, text.charCodeAt(end));
      }
      if (index >= 0) return { start, end: longest, index };
    }
    return undefined;
  };
}
