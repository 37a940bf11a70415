import * as tf from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { permutation } from '../../random/draw';
import { createKey, foldIn } from '../../random/key';
import { grid, int, patternError, requireFlag, requireKnown, requireWhole } from './pattern';
import type { AttentionPattern, KeyRange } from './pattern';

/** Options of {@link blockSparse}. */
export interface BlockSparseOptions {
  /** Tokens a block: 64 when absent. */
  readonly block?: number | undefined;
  /** Blocks near a query that it sees, its own included: 3 when absent; an odd number unless causal. */
  readonly windowBlocks?: number | undefined;
  /** Blocks at the start of the text that see all and are seen by all: 1 when absent. */
  readonly globalBlocks?: number | undefined;
  /** Blocks drawn for each block of queries, beside those: 3 when absent. */
  readonly randomBlocks?: number | undefined;
  /** Which blocks are drawn: 0 when absent. */
  readonly seed?: number | undefined;
  /** Whether no query sees a later key; false when absent. */
  readonly causal?: boolean | undefined;
}

/**
 * Block-sparse attention with random blocks: each block of queries sees the blocks near it, the first ones, and some
 * drawn at random; the first blocks see all.
 *
 * The random blocks make a graph of short paths: information gets from any token to any other in a few layers. Which they
 * are hangs on the seed, the block's number and, unless causal, the number of blocks; never on the backend.
 * Zaheer et al.: "Big Bird: Transformers for Longer Sequences" (2020), section 2 and appendix D (the internal form,
 * global tokens being tokens of the text).
 *
 * @param options `block`, `windowBlocks`, `globalBlocks`, `randomBlocks`, `seed`, `causal`
 * @returns the pattern
 * @throws E_PATTERN on options that cannot be
 * @example
 * ```ts
 * import { blockSparse } from '@tesserae/core';
 *
 * const pattern = blockSparse({ block: 2, windowBlocks: 1, globalBlocks: 1, randomBlocks: 0 });
 * console.log([0, 1, 3, 9].map((key) => pattern.sees(8, key, 10))); // → [ true, true, false, true ]
 * ```
 */
export const blockSparse: Plugin<'attention', 'block-sparse', (options?: BlockSparseOptions) => AttentionPattern> =
  /* @__PURE__ */ definePlugin({
    kind: 'attention',
    name: 'block-sparse',
    package: '@tesserae/core',
    apiVersion: 1,
    description: 'blocks near by, the first blocks, and blocks drawn at random',
    create: createBlockSparse,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'attention:block-sparse': typeof blockSparse;
  }
}

/** Options checked and completed. */
type Complete = Required<{ [K in keyof BlockSparseOptions]: NonNullable<BlockSparseOptions[K]> }>;

function complete(name: string, options: BlockSparseOptions): Complete {
  requireKnown(name, options, ['block', 'windowBlocks', 'globalBlocks', 'randomBlocks', 'seed', 'causal']);
  const all = {
    block: requireWhole(name, 'block', options.block ?? 64, 1),
    windowBlocks: requireWhole(name, 'windowBlocks', options.windowBlocks ?? 3, 1),
    globalBlocks: requireWhole(name, 'globalBlocks', options.globalBlocks ?? 1, 0),
    randomBlocks: requireWhole(name, 'randomBlocks', options.randomBlocks ?? 3, 0),
    seed: requireWhole(name, 'seed', options.seed ?? 0, 0),
    causal: requireFlag(name, 'causal', options.causal ?? false),
  };
  if (!all.causal && all.windowBlocks % 2 === 0) {
    throw patternError(name, `windowBlocks is ${all.windowBlocks}`, 'give an odd number: as many before as after');
  }
  return all;
}

/** The lists of key blocks, by block of queries; made once for each number of blocks. */
function blockLists(all: Complete): (blocks: number) => readonly ReadonlySet<number>[] {
  const made = new Map<number, ReadonlySet<number>[]>();
  return (blocks) => {
    let lists = made.get(blocks);
    if (!lists) {
      lists = Array.from({ length: blocks }, (_, row) => blocksOf(row, blocks, all));
      if (made.size >= 8) made.delete(made.keys().next().value!);
      made.set(blocks, lists);
    }
    return lists;
  };
}

/** The key blocks that one block of queries sees, without the rule of causality inside its own. */
function blocksOf(row: number, blocks: number, all: Complete): Set<number> {
  const { windowBlocks, globalBlocks, randomBlocks, causal } = all;
  const end = causal ? row + 1 : blocks;
  if (row < globalBlocks) return new Set(Array.from({ length: end }, (_, at) => at));
  const half = causal ? windowBlocks - 1 : (windowBlocks - 1) / 2;
  const seen = new Set<number>();
  for (let at = 0; at < Math.min(globalBlocks, end); at++) seen.add(at);
  for (let at = Math.max(0, row - half); at < Math.min(end, row + (causal ? 0 : half) + 1); at++) seen.add(at);
  const others = Array.from({ length: end }, (_, at) => at).filter((at) => !seen.has(at));
  const order = permutation(foldIn(createKey(all.seed), row), others.length);
  for (let drawn = 0; drawn < Math.min(randomBlocks, others.length); drawn++) seen.add(others[order[drawn]]);
  return seen;
}

function createBlockSparse(options: BlockSparseOptions = {}): AttentionPattern {
  const name = 'block-sparse';
  const all = complete(name, options);
  const { block, causal } = all;
  const lists = blockLists(all);
  const listsFor = (keys: number): readonly ReadonlySet<number>[] => lists(Math.ceil(keys / block));
  const blockOf = (position: number): number => Math.floor(position / block);
  return {
    name,
    options: { ...all },
    causal,
    blockSize: [64, 32, 16].find((size) => block % size === 0) ?? (block > 48 ? 64 : block > 24 ? 32 : 16),
    sees: (query, key, keys) =>
      (!causal || key <= query) && (listsFor(keys)[blockOf(query)]?.has(blockOf(key)) ?? false),
    reach(first, last, keys) {
      const ranges: KeyRange[] = [];
      const table = listsFor(keys);
      for (let row = blockOf(first); row <= Math.min(blockOf(last), table.length - 1); row++) {
        for (const at of table[row]) {
          const to = Math.min(keys, (at + 1) * block, causal ? last + 1 : keys);
          if (to > at * block) ranges.push([at * block, to]);
        }
      }
      return ranges;
    },
    visible(queries, keys) {
      const table = listsFor(keys);
      const rows = Int32Array.from(table.flatMap((list) => table.map((_, at) => Number(list.has(at)))));
      const seen = tf.tensor2d(rows, [table.length, table.length], 'int32');
      const { query, key } = grid(queries, keys);
      const byRow = tf.gather(seen, tf.floorDiv(queries, int(block)) as tf.Tensor1D); // [T, blocks]
      const open = tf.greater(
        tf.gather(byRow, tf.floorDiv(tf.reshape(key, [keys]), int(block)) as tf.Tensor1D, 1),
        int(0),
      ); // [T, S]
      return causal ? tf.logicalAnd(open, tf.lessEqual(key, query)) : open;
    },
  };
}
