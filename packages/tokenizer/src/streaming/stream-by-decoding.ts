import type { DecodeStream } from '../interface/tokenizer';

/**
 * A stream made of `decode` alone, for decoders whose output for an id depends on its neighbours: it decodes the ids
 * since the last certain text together with those before them, and gives out what is new. Text that ends in U+FFFD,
 * which may be the first half of a code point, waits for the next id.
 *
 * @param isOpen whether what the last of the ids stand for may change with the next one, whatever it looks like now
 */
export function streamByDecoding(
  decode: (ids: number[]) => string,
  isOpen: (ids: readonly number[]) => boolean = () => false,
): DecodeStream {
  let ids: number[] = []; // those that gave the last certain text, then the new ones
  let certain = 0; // how many of them gave the last certain text
  let prefix = ''; // what those decode to on their own
  return {
    push(id) {
      const text = decode([...ids, id]); // throws before anything changes
      ids.push(id);
      if (isOpen(ids) || text.length <= prefix.length || text.endsWith('\ufffd') || !text.startsWith(prefix)) return '';
      const fresh = text.slice(prefix.length);
      ids = ids.slice(certain);
      certain = ids.length;
      prefix = decode(ids);
      return fresh;
    },
    end() {
      const rest = ids.length > certain ? decode(ids).slice(prefix.length) : '';
      ids = [];
      certain = 0;
      prefix = '';
      return rest;
    },
  };
}
