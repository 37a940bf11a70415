/**
 * A hash table from pairs of ids to a number ≥ 0, in typed arrays: a `Map` would need a heap-allocated number or a
 * string for each key.
 */
export class PairTable {
  private lefts: Int32Array;
  private rights: Int32Array;
  private values: Int32Array; // -1: free
  private mask: number;
  private used = 0;

  constructor(expected: number) {
    let capacity = 16;
    while (capacity < expected * 2) capacity *= 2;
    this.mask = capacity - 1;
    this.lefts = new Int32Array(capacity);
    this.rights = new Int32Array(capacity);
    this.values = new Int32Array(capacity).fill(-1);
  }

  private slot(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & this.mask;
    while (this.values[slot] >= 0 && (this.lefts[slot] !== left || this.rights[slot] !== right))
      slot = (slot + 1) & this.mask;
    return slot;
  }

  /** The number of a pair, or -1. */
  get(left: number, right: number): number {
    return this.values[this.slot(left, right)];
  }

  /** Gives a pair its number (≥ 0); a second time replaces it. */
  set(left: number, right: number, value: number): void {
    let slot = this.slot(left, right);
    if (this.values[slot] < 0) {
      if (++this.used * 2 > this.mask) {
        this.grow();
        slot = this.slot(left, right);
      }
      this.lefts[slot] = left;
      this.rights[slot] = right;
    }
    this.values[slot] = value;
  }

  private grow(): void {
    const { lefts, rights, values } = this;
    const capacity = values.length * 2;
    this.mask = capacity - 1;
    this.lefts = new Int32Array(capacity);
    this.rights = new Int32Array(capacity);
    this.values = new Int32Array(capacity).fill(-1);
    for (let i = 0; i < values.length; i++) {
      if (values[i] < 0) continue;
      const slot = this.slot(lefts[i], rights[i]);
      this.lefts[slot] = lefts[i];
      this.rights[slot] = rights[i];
      this.values[slot] = values[i];
    }
  }
}
