import type { PairTable } from './pair-table';

/** The merges of a BPE model: which pair has which rank, and which id each rank makes. */
export interface Merges {
  readonly ranks: PairTable;
  /** The id that the merge of each rank makes. */
  readonly results: Int32Array;
}

/** Below this many symbols a scan for the lowest rank is quicker than a heap. */
const SCAN_LIMIT = 48;
const NONE = 0x7fffffff;

/**
 * Merges the first `count` symbols in place, lowest rank first, leftmost first among equals.
 *
 * @returns how many symbols are left
 */
export function mergeSymbols(symbols: Int32Array, count: number, merges: Merges): number {
  return count <= SCAN_LIMIT ? mergeByScan(symbols, count, merges) : mergeByHeap(symbols, count, merges);
}

let scanRanks: Int32Array | undefined;

function mergeByScan(symbols: Int32Array, count: number, { ranks, results }: Merges): number {
  const pairRanks = (scanRanks ??= new Int32Array(SCAN_LIMIT)); // rank of the pair that begins at each symbol
  const rankAt = (i: number): number => {
    const rank = i + 1 < count ? ranks.get(symbols[i], symbols[i + 1]) : -1;
    return rank < 0 ? NONE : rank;
  };
  for (let i = 0; i < count; i++) pairRanks[i] = rankAt(i);
  while (count > 1) {
    let best = NONE;
    let at = 0;
    for (let i = 0; i < count - 1; i++) {
      if (pairRanks[i] < best) {
        best = pairRanks[i];
        at = i;
      }
    }
    if (best === NONE) break;
    symbols[at] = results[best];
    symbols.copyWithin(at + 1, at + 2, count);
    pairRanks.copyWithin(at + 1, at + 2, count);
    count--;
    pairRanks[at] = rankAt(at);
    if (at > 0) pairRanks[at - 1] = rankAt(at - 1);
  }
  return count;
}

/**
 * The same by a linked list and a heap of (rank, position), so that a word of n symbols costs O(n log n).
 * An entry that another merge has overtaken is recognized by its rank when it is taken out.
 */
function mergeByHeap(symbols: Int32Array, count: number, { ranks, results }: Merges): number {
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  const pairRanks = new Int32Array(count).fill(NONE);
  const heap = new KeyHeap(count);
  const rankAt = (at: number): number => {
    const rank = next[at] < count ? ranks.get(symbols[at], symbols[next[at]]) : -1;
    return (pairRanks[at] = rank < 0 ? NONE : rank);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
    if (rankAt(i) !== NONE) heap.collect(pairRanks[i] * count + i);
  }
  heap.order();
  while (heap.size > 0) {
    const key = heap.pop();
    const rank = Math.floor(key / count);
    const at = key - rank * count;
    if (pairRanks[at] !== rank) continue;
    const gone = next[at];
    symbols[at] = results[rank];
    pairRanks[gone] = NONE;
    next[at] = next[gone];
    if (next[at] < count) previous[next[at]] = at;
    if (rankAt(at) !== NONE) heap.push(pairRanks[at] * count + at);
    const before = previous[at];
    if (before >= 0 && rankAt(before) !== NONE) heap.push(pairRanks[before] * count + before);
  }
  let left = 0;
  for (let i = 0; i < count; i = next[i]) symbols[left++] = symbols[i];
  return left;
}

/** A binary heap of numbers, smallest first. */
class KeyHeap {
  size = 0;
  private keys: Float64Array;

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity);
  }

  /** Adds a key without ordering; call {@link order} after the last. */
  collect(key: number): void {
    this.keys[this.size++] = key;
  }

  order(): void {
    for (let at = (this.size >> 1) - 1; at >= 0; at--) this.sink(this.keys[at], at);
  }

  push(key: number): void {
    if (this.size === this.keys.length) {
      const grown = new Float64Array(this.size * 2);
      grown.set(this.keys);
      this.keys = grown;
    }
    const { keys } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      at = parent;
    }
    keys[at] = key;
  }

  pop(): number {
    const top = this.keys[0];
    this.sink(this.keys[--this.size], 0);
    return top;
  }

  /** Puts a key at a place or below it. */
  private sink(key: number, at: number): void {
    const { keys, size } = this;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && keys[child + 1] < keys[child]) child++;
      if (keys[child] >= key) break;
      keys[at] = keys[child];
      at = child;
    }
    keys[at] = key;
  }
}
