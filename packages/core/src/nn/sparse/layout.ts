import { patternError } from './pattern';
import type { AttentionPattern } from './pattern';

/**
 * A pattern worked out for T queries and S keys: which blocks of keys each block of queries looks at, and for each such
 * pair the exact rule inside it, as a tile of bits. Most tiles are alike (those of a window repeat along the diagonal),
 * so there are few; the whole layout grows with the number of pairs.
 *
 * These are plain numbers, so that they can be an op's attributes.
 */
export interface BlockLayout {
  /** b: rows and columns of a block. */
  readonly block: number;
  /** Row i's pairs are `starts[i]` up to `starts[i + 1]`; one entry more than there are blocks of queries. */
  readonly starts: readonly number[];
  /** The block of keys of each pair, ascending within a row. */
  readonly keyBlocks: readonly number[];
  /** The tile of each pair; tile 0 is open everywhere. */
  readonly tiles: readonly number[];
  /** The bits of the tiles from 1 up, b · b each, row by row, 32 to a number, the lowest first; 1 is open. */
  readonly bits: readonly number[];
}

/** How many numbers of 32 bits a tile takes. */
export const wordsPerTile = (block: number): number => Math.ceil((block * block) / 32);

/** Whether a bit of a tile is set. */
export const isOpen = (bits: readonly number[], from: number, at: number): boolean =>
  ((bits[from + (at >>> 5)] >>> (at & 31)) & 1) === 1;

const layouts = /* @__PURE__ */ new WeakMap<AttentionPattern, Map<string, BlockLayout>>();
/** Layouts kept for each pattern. */
const maxKept = 8;

/** The layout of a pattern; the last few of each pattern are kept. Queries stand at the end of the keys. */
export function layoutFor(pattern: AttentionPattern, queries: number, keys: number): BlockLayout {
  const kept = layouts.get(pattern) ?? new Map<string, BlockLayout>();
  layouts.set(pattern, kept);
  const key = `${queries},${keys}`;
  let layout = kept.get(key);
  if (!layout) {
    layout = makeLayout(pattern, queries, keys);
    if (kept.size >= maxKept) kept.delete(kept.keys().next().value!);
    kept.set(key, layout);
  }
  return layout;
}

function makeLayout(pattern: AttentionPattern, queries: number, keys: number): BlockLayout {
  const { blockSize: block } = pattern;
  const offset = keys - queries;
  const starts = [0];
  const keyBlocks: number[] = [];
  const tiles: number[] = [];
  const known = new Map<string, number>();
  const bits: number[] = [];
  for (let first = offset; first < keys; first += block) {
    const rows = Math.min(block, keys - first);
    const sighted = new Uint8Array(rows);
    for (const keyBlock of reached(pattern, first, first + rows - 1, keys)) {
      const tile = drawTile(pattern, first, rows, keyBlock * block, keys, sighted);
      if (tile === undefined) continue;
      keyBlocks.push(keyBlock);
      tiles.push(tile === 'open' ? 0 : numberOf(tile, known, bits));
    }
    requireSight(pattern, first, sighted, keys);
    starts.push(keyBlocks.length);
  }
  return { block, starts, keyBlocks, tiles, bits };
}

/** The blocks of keys that a block of queries may see, ascending. */
function reached(pattern: AttentionPattern, first: number, last: number, keys: number): number[] {
  const { blockSize: block } = pattern;
  const found = new Set<number>();
  for (const [from, to] of pattern.reach(first, last, keys)) {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && to <= keys)) {
      throw patternError(pattern.name, `reach gave keys ${from} to ${to} of ${keys}`, 'give ranges inside the keys');
    }
    for (let at = Math.floor(from / block); at * block < to; at++) found.add(at);
  }
  return [...found].sort((a, b) => a - b);
}

/** The bits of one pair; `open` when all are set, nothing when none is. Marks the rows that see a key. */
function drawTile(
  pattern: AttentionPattern,
  first: number,
  rows: number,
  firstKey: number,
  keys: number,
  sighted: Uint8Array,
): Uint32Array | 'open' | undefined {
  const { blockSize: block } = pattern;
  const columns = Math.min(block, keys - firstKey);
  const words = new Uint32Array(wordsPerTile(block));
  let count = 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      if (!pattern.sees(first + r, firstKey + c, keys)) continue;
      const at = r * block + c;
      words[at >>> 5] |= 1 << (at & 31);
      sighted[r] = 1;
      count++;
    }
  }
  if (count === 0) return undefined;
  return count === block * block ? 'open' : words;
}

/** The number of a tile, the same for the same bits. */
function numberOf(tile: Uint32Array, known: Map<string, number>, bits: number[]): number {
  const key = tile.join();
  let number = known.get(key);
  if (number === undefined) {
    number = known.size + 1;
    known.set(key, number);
    bits.push(...tile);
  }
  return number;
}

function requireSight(pattern: AttentionPattern, first: number, sighted: Uint8Array, keys: number): void {
  const blind = sighted.indexOf(0);
  if (blind < 0) return;
  throw patternError(
    pattern.name,
    `the query at ${first + blind} sees none of ${keys} keys that reach names`,
    'let each query see at least itself, and reach hold all that sees allows',
  );
}
