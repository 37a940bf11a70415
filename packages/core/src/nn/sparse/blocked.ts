/**
 * Attention over a block layout in TensorFlow.js ops: the key blocks that a block of queries looks at are gathered beside
 * it, so that [T, S] is never formed. Time and memory grow with the number of pairs of blocks.
 *
 * Letters: n blocks of queries, L blocks of keys each looks at, b tokens a block, G = H/K query heads a key/value head.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sizes } from '../shapes';
import { isOpen, wordsPerTile } from './layout';
import type { BlockLayout } from './layout';

/** What softmax gives nothing, even beside a padded key (−1e9). */
export const closed = -1e30;

/** The tensors of one call. */
export interface BlockedInputs {
  readonly query: tf.Tensor; // [B, H, T, E]
  readonly key: tf.Tensor; // [B, K, S, E]
  readonly value: tf.Tensor; // [B, K, S, Ev]
  readonly keyBias?: tf.Tensor | undefined; // [B, S]
}

/** Blocks of queries that are computed together, because they look at about as many blocks of keys. */
interface Class {
  readonly rows: readonly number[];
  /** L. */
  readonly width: number;
  /** The key block and the tile of each pair, n · L; pairs that only fill up have the closed tile. */
  readonly blocks: readonly number[];
  readonly tiles: readonly number[];
}

/**
 * Splits the rows in two where that saves most: in most patterns nearly all look at a few blocks, and some at all.
 */
function classes(layout: BlockLayout): Class[] {
  const { starts } = layout;
  const counts = starts.slice(1).map((end, row) => end - starts[row]);
  const widest = Math.max(...counts);
  const costOf = (limit: number): number =>
    counts.reduce((total, count) => total + (count <= limit ? limit : widest), 0);
  const limits = [...new Set(counts)];
  const best = limits.reduce((least, one) => (costOf(one) < costOf(least) ? one : least), widest);
  const limit = costOf(best) < 0.9 * costOf(widest) ? best : widest; // a class is a dozen operations more
  const all = counts.map((_, row) => row);
  const narrow = all.filter((row) => counts[row] <= limit);
  const wide = all.filter((row) => counts[row] > limit);
  return [classOf(layout, narrow, limit), ...(wide.length > 0 ? [classOf(layout, wide, widest)] : [])];
}

function classOf(layout: BlockLayout, rows: readonly number[], width: number): Class {
  const { starts, keyBlocks, tiles, bits, block } = layout;
  const closedTile = bits.length / wordsPerTile(block) + 1;
  const fill = (list: readonly number[], filling: number): number[] =>
    rows.flatMap((row) => {
      const own = list.slice(starts[row], starts[row + 1]);
      return [...own, ...new Array<number>(width - own.length).fill(filling)];
    });
  return { rows, width, blocks: fill(keyBlocks, 0), tiles: fill(tiles, closedTile) };
}

const indices = (values: readonly number[]): tf.Tensor1D => tf.tensor1d(values.slice(), 'int32');

/** Fills up the time axis of x [B, N, T, E] to whole blocks. */
function padTime(x: tf.Tensor, blocks: number, block: number): tf.Tensor {
  const missing = blocks * block - sizes(x)[2];
  return missing === 0
    ? x
    : tf.pad(x, [
        [0, 0],
        [0, 0],
        [0, missing],
        [0, 0],
      ]);
}

/** The sizes of one call, and its tensors cut into blocks. */
interface Cut {
  readonly batch: number;
  readonly keyHeads: number;
  readonly group: number;
  readonly block: number;
  readonly queryBlocks: number;
  readonly keyBlockCount: number;
}

function cutUp({ query, key }: BlockedInputs, { block, starts }: BlockLayout): Cut {
  const [batch, heads] = sizes(query);
  const [, keyHeads, keys] = sizes(key);
  return {
    batch,
    keyHeads,
    group: heads / keyHeads,
    block,
    queryBlocks: starts.length - 1,
    keyBlockCount: Math.ceil(keys / block),
  };
}

/** [B, H, T, E] → [B·K, blocks, G·b, E]: the query heads of a key/value head one under the other. */
function queryBlocksOf(x: tf.Tensor, { batch, keyHeads, group, block, queryBlocks }: Cut): tf.Tensor {
  const features = sizes(x)[3];
  const padded = padTime(x, queryBlocks, block);
  const cut = tf.reshape(padded, [batch * keyHeads, group, queryBlocks, block * features]);
  const turned = group === 1 ? cut : tf.transpose(cut, [0, 2, 1, 3]);
  return tf.reshape(turned, [batch * keyHeads, queryBlocks, group * block, features]);
}

/** The way back: [B·K, blocks, G·b, E] → [B, H, T, E]. */
function fromQueryBlocks(x: tf.Tensor, { batch, keyHeads, group, block, queryBlocks }: Cut, time: number): tf.Tensor {
  const features = sizes(x)[3];
  const cut = tf.reshape(x, [batch * keyHeads, queryBlocks, group, block * features]);
  const turned = group === 1 ? cut : tf.transpose(cut, [0, 2, 1, 3]);
  const whole = tf.reshape(turned, [batch, keyHeads * group, queryBlocks * block, features]);
  return tf.slice(whole, [0, 0, 0, 0], [batch, keyHeads * group, time, features]);
}

/** [B, K, S, E] → [B·K, blocks, b, E]. */
function keyBlocksOf(x: tf.Tensor, { batch, keyHeads, block, keyBlockCount }: Cut): tf.Tensor {
  return tf.reshape(padTime(x, keyBlockCount, block), [batch * keyHeads, keyBlockCount, block, sizes(x)[3]]);
}

/** [B·K, blocks, b, E] → the key blocks of each row of a class, side by side: [B·K, n, L·b, E]. */
function gatherKeys(blocks: tf.Tensor, { rows, width, blocks: wanted }: Class): tf.Tensor {
  const [outer, , block, features] = sizes(blocks);
  return tf.reshape(tf.gather(blocks, indices(wanted), 1), [outer, rows.length, width * block, features]);
}

/** The rows of a class: [B·K, n, G·b, E]. */
function gatherRows(blocks: tf.Tensor, { rows }: Class): tf.Tensor {
  return rows.length === blocks.shape[1] ? blocks : tf.gather(blocks, indices(rows), 1);
}

/** The tiles as numbers to add, [tiles, b, b]: the open one, those of the layout, the closed one. */
function tileBias({ bits, block }: BlockLayout): tf.Tensor {
  const words = wordsPerTile(block);
  const count = bits.length / words;
  const bias = new Float32Array((count + 2) * block * block);
  for (let tile = 0; tile < count; tile++) {
    for (let at = 0; at < block * block; at++) {
      if (!isOpen(bits, tile * words, at)) bias[(tile + 1) * block * block + at] = closed;
    }
  }
  bias.fill(closed, (count + 1) * block * block);
  return tf.tensor3d(bias, [count + 2, block, block]);
}

/** Softmax of the scores of one class: [B·K, n, G·b, L·b]. */
function weigh(
  query: tf.Tensor,
  keys: tf.Tensor,
  tiles: tf.Tensor,
  keyBias: tf.Tensor | undefined,
  one: Class,
  { batch, keyHeads, group, block }: Cut,
): tf.Tensor {
  const [n, seen] = [one.rows.length, one.width * block];
  let scores: tf.Tensor = tf.matMul(query, keys, false, true); // [B·K, n, G·b, L·b]
  const gathered = tf.reshape(tf.gather(tiles, indices(one.tiles)), [n, one.width, block, block]);
  const bias = tf.reshape(tf.transpose(gathered, [0, 2, 1, 3]), [n, 1, block, seen]);
  scores = tf.add(tf.reshape(scores, [batch * keyHeads, n, group, block, seen]), bias);
  if (keyBias) {
    const byBlock = tf.reshape(tf.gather(keyBias, indices(one.blocks), 1), [batch, 1, n, 1, seen]);
    scores = tf.add(tf.reshape(scores, [batch, keyHeads, n, group * block, seen]), byBlock);
  }
  return tf.softmax(tf.reshape(scores, [batch * keyHeads, n, group * block, seen]));
}

/** [B, S] → [B, blocks, b]. */
function biasBlocks(keyBias: tf.Tensor | undefined, { batch, block, keyBlockCount }: Cut): tf.Tensor | undefined {
  if (!keyBias) return undefined;
  const missing = keyBlockCount * block - sizes(keyBias)[1];
  return tf.reshape(
    tf.pad(keyBias, [
      [0, 0],
      [0, missing],
    ]),
    [batch, keyBlockCount, block],
  );
}

/** Puts the rows of the classes, [B·K, n, G·b, E] each, back in order. */
function join(parts: readonly tf.Tensor[], all: readonly Class[]): tf.Tensor {
  if (parts.length === 1) return parts[0];
  const order = all.flatMap(({ rows }) => rows);
  const place = new Array<number>(order.length);
  order.forEach((row, at) => (place[row] = at));
  return tf.gather(tf.concat(parts.slice(), 1), indices(place), 1);
}

/** What attention weights go through before they weigh the values: dropout. */
export type OnBlockedWeights = (weights: tf.Tensor) => tf.Tensor;

/** The output, [B, H, T, Ev]. `onWeights` sees the weights of each class, [B·K, n, G·b, L·b]. */
export function blockedAttention(
  inputs: BlockedInputs,
  layout: BlockLayout,
  scale: number,
  onWeights: OnBlockedWeights = (weights) => weights,
): tf.Tensor {
  const cut = cutUp(inputs, layout);
  const query = queryBlocksOf(tf.mul(inputs.query, scale), cut);
  const [key, value] = [keyBlocksOf(inputs.key, cut), keyBlocksOf(inputs.value, cut)];
  const [tiles, keyBias] = [tileBias(layout), biasBlocks(inputs.keyBias, cut)];
  const all = classes(layout);
  const parts = all.map((one) => {
    const weights = onWeights(weigh(gatherRows(query, one), gatherKeys(key, one), tiles, keyBias, one, cut));
    return tf.matMul(weights, gatherKeys(value, one)); // [B·K, n, G·b, Ev]
  });
  return fromQueryBlocks(join(parts, all), cut, sizes(inputs.query)[2]);
}

/** Adds up what the rows of the classes give to each block of keys: [B, K, S, E]. */
function scatterKeys(parts: readonly tf.Tensor[], all: readonly Class[], cut: Cut, keys: number): tf.Tensor {
  const { batch, keyHeads, block, keyBlockCount } = cut;
  const outer = batch * keyHeads;
  const features = sizes(parts[0])[3];
  const sums = parts.map((part, at) => {
    const pairs = tf.reshape(part, [outer, all[at].blocks.length, block * features]);
    return tf.unsortedSegmentSum(tf.transpose(pairs, [1, 0, 2]), indices(all[at].blocks), keyBlockCount);
  });
  const total = sums.reduce((a, b) => tf.add(a, b)); // [blocks, B·K, b·E]
  const whole = tf.reshape(tf.transpose(total, [1, 0, 2]), [batch, keyHeads, keyBlockCount * block, features]);
  return tf.slice(whole, [0, 0, 0, 0], [batch, keyHeads, keys, features]);
}

/** The gradients: the weights are made again, block by block, instead of being kept. */
export function blockedGradients(
  inputs: BlockedInputs,
  layout: BlockLayout,
  scale: number,
  output: tf.Tensor,
  gradient: tf.Tensor,
): { query: tf.Tensor; key: tf.Tensor; value: tf.Tensor } {
  const cut = cutUp(inputs, layout);
  const query = queryBlocksOf(tf.mul(inputs.query, scale), cut);
  const [key, value] = [keyBlocksOf(inputs.key, cut), keyBlocksOf(inputs.value, cut)];
  const [tiles, keyBias] = [tileBias(layout), biasBlocks(inputs.keyBias, cut)];
  const dOutput = queryBlocksOf(gradient, cut); // [B·K, blocks, G·b, Ev]
  const rowSum = tf.sum(tf.mul(queryBlocksOf(output, cut), dOutput), -1, true); // as in dense attention: Σ o do
  const all = classes(layout);
  const parts = all.map((one) => {
    const q = gatherRows(query, one); // [B·K, n, G·b, E]
    const k = gatherKeys(key, one); // [B·K, n, L·b, E]
    const d = gatherRows(dOutput, one);
    const p = weigh(q, k, tiles, keyBias, one, cut); // [B·K, n, G·b, L·b]
    const dWeights = tf.matMul(d, gatherKeys(value, one), false, true); // [B·K, n, G·b, L·b]
    const dScores = tf.mul(p, tf.sub(dWeights, gatherRows(rowSum, one)));
    return {
      query: tf.matMul(dScores, k), // [B·K, n, G·b, E]
      key: tf.matMul(dScores, q, true), // [B·K, n, L·b, E]
      value: tf.matMul(p, d, true), // [B·K, n, L·b, Ev]
    };
  });
  const each = (name: 'query' | 'key' | 'value'): tf.Tensor[] => parts.map((part) => part[name]);
  const keys = sizes(inputs.key)[2];
  return {
    query: tf.mul(fromQueryBlocks(join(each('query'), all), cut, sizes(inputs.query)[2]), scale),
    key: scatterKeys(each('key'), all, cut, keys),
    value: scatterKeys(each('value'), all, cut, keys),
  };
}
