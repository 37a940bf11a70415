/**
 * A priority queue of pairs: the highest count first; among equal counts the pair with the smaller left id, then the
 * smaller right id. Entries carry the count that they were entered with; the caller compares it with today's.
 */
export class PairQueue {
  private pairs: number[] = [];
  private counts: number[] = [];

  constructor(
    private readonly lefts: readonly number[],
    private readonly rights: readonly number[],
  ) {}

  get size(): number {
    return this.pairs.length;
  }

  /** The count that the first entry was entered with. */
  topCount(): number {
    return this.counts[0];
  }

  push(pair: number, count: number): void {
    let at = this.pairs.length;
    this.pairs.push(pair);
    this.counts.push(count);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(pair, count, parent)) break;
      this.pairs[at] = this.pairs[parent];
      this.counts[at] = this.counts[parent];
      at = parent;
    }
    this.pairs[at] = pair;
    this.counts[at] = count;
  }

  /** Takes out the first pair. */
  pop(): number {
    const top = this.pairs[0];
    const pair = this.pairs.pop()!;
    const count = this.counts.pop()!;
    const size = this.pairs.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.before(this.pairs[child + 1], this.counts[child + 1], child)) child++;
      if (this.before(pair, count, child)) break;
      this.pairs[at] = this.pairs[child];
      this.counts[at] = this.counts[child];
      at = child;
    }
    this.pairs[at] = pair;
    this.counts[at] = count;
    return top;
  }

  private before(pair: number, count: number, slot: number): boolean {
    if (count !== this.counts[slot]) return count > this.counts[slot];
    const other = this.pairs[slot];
    if (this.lefts[pair] !== this.lefts[other]) return this.lefts[pair] < this.lefts[other];
    return this.rights[pair] < this.rights[other];
  }
}
