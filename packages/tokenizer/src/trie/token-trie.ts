import { PairTable } from '../byte-level/pair-table';

/** A trie over UTF-16 units; nodes are numbers, 0 is the root. */
export class TokenTrie {
  private readonly edges: PairTable;
  /** The value of the token that ends at each node, or -1. */
  readonly values: number[] = [-1];
  /** By code: the child of the root, for what nearly all lookups begin with. */
  private readonly first = new Int32Array(65536).fill(-1);

  constructor(expected: number) {
    this.edges = new PairTable(expected);
  }

  add(token: string, value: number): void {
    let node = 0;
    for (let i = 0; i < token.length; i++) {
      const unit = token.charCodeAt(i);
      let child = this.child(node, unit);
      if (child < 0) {
        child = this.values.push(-1) - 1;
        if (node === 0) this.first[unit] = child;
        else this.edges.set(node, unit, child);
      }
      node = child;
    }
    this.values[node] = value;
  }

  /** The child of a node, or -1. */
  child(node: number, unit: number): number {
    return node === 0 ? this.first[unit] : this.edges.get(node, unit);
  }
}
