import * as tf from '@tensorflow/tfjs-core';
import { flattenTree, isTensor } from '../compile/tree';
import { refuseLeaf } from '../model/params';
import { recompute } from './recompute';

/** A part of a layer that can run again on the way back. */
export type RecomputedPart = 'attention' | 'feedForward';

/** What runs again on the way back instead of being kept: whole layers, or parts of each. */
export type Recompute = 'blocks' | readonly RecomputedPart[];

/** Runs a part of a model on hidden states and a tree of weights: again on the way back, or as it is. */
export type Replay = <W>(
  part: 'blocks' | RecomputedPart,
  x: tf.Tensor,
  weights: W,
  run: (x: tf.Tensor, weights: W) => tf.Tensor,
) => tf.Tensor;

/** What lets the parts of one forward pass run again. */
export interface Replays {
  /** The dropout sites of the pass, set back for a second run so that it drops the same. */
  readonly sites: { next: number };
  /** A value of the caller, such as a tensor, that parts close over: where they may run again it is a copy, which lives long enough. */
  hold<T>(value: T): T;
  /** Says that the tensors in this tree were made for this pass, and are used by parts that may run again. */
  own(tree: unknown): void;
  readonly replay: Replay;
}

/**
 * Opens a forward pass whose parts may run again.
 *
 * @param wanted the parts that run again; none when absent
 */
export function openReplays(wanted: Recompute | undefined): Replays {
  const sites = { next: 0 };
  const owned = new Set<tf.Tensor>();
  return {
    sites,
    hold(value) {
      if (wanted === undefined || !isTensor(value)) return value;
      const copy = tf.clone(value as tf.Tensor);
      owned.add(copy);
      return copy as typeof value;
    },
    own: (tree) => void (wanted === undefined || tensorsIn(tree).forEach((tensor) => owned.add(tensor))),
    replay: (part, x, weights, run) => replayOf(wanted, sites, [...owned])(part, x, weights, run),
  };
}

/** Runs parts of a pass; `own` are its tensors that the parts close over. */
function replayOf(wanted: Recompute | undefined, sites: { next: number }, own: readonly tf.Tensor[]): Replay {
  return (part, x, weights, run) => {
    const again = wanted === 'blocks' ? part === 'blocks' : part !== 'blocks' && wanted?.includes(part) === true;
    if (!again) return run(x, weights);
    const tree = flattenTree(weights, 'weights', refuseLeaf);
    const all = tree.leaves as tf.Tensor[];
    const learned = [...new Set(all)].filter((tensor) => isTensor(tensor) && tensor.dtype === 'float32');
    const places = all.map((tensor) => learned.indexOf(tensor));
    const first = sites.next;
    return recompute(
      ([value, ...tensors]) => {
        const now = sites.next;
        sites.next = first;
        const leaves = places.map((place, i) => (place < 0 ? all[i] : tensors[place]));
        const result = run(value, tree.form.rebuild(leaves) as typeof weights);
        sites.next = Math.max(now, sites.next);
        return result;
      },
      [x, ...learned],
      own,
    );
  };
}

/** All tensors in a tree of plain objects and arrays, each once. */
function tensorsIn(tree: unknown, found: Set<tf.Tensor> = new Set()): Set<tf.Tensor> {
  if (isTensor(tree)) found.add(tree);
  else if (typeof tree === 'object' && tree !== null) for (const part of Object.values(tree)) tensorsIn(part, found);
  return found;
}
