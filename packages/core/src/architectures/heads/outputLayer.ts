import type * as tf from '@tensorflow/tfjs-core';
import { flattenTree } from '../../compile/tree';
import { refuseLeaf } from '../../model/params';
import type { OutputLayer } from '../../model/types';
import { inOutputLayer } from '../../precision/precision';

/**
 * The last layer of a language model apart from the rest, so that a loss can use it on some rows at a time.
 *
 * @param weights what it is made of, a tree of weights
 * @param classes V
 * @param apply hidden states [n, D] → logits [n, V]
 */
export function outputLayer<W>(
  weights: W,
  classes: number,
  apply: (hidden: tf.Tensor, weights: W) => tf.Tensor,
): OutputLayer {
  const tree = flattenTree(weights, 'outputLayer', refuseLeaf);
  const tensors = tree.leaves as tf.Tensor[];
  const learned = tensors.filter(({ dtype }) => dtype === 'float32');
  return {
    parameters: learned,
    classes,
    logits(hidden, parameters) {
      const leaves = tensors.map((tensor) => parameters[learned.indexOf(tensor)] ?? tensor);
      return inOutputLayer(() => apply(hidden, tree.form.rebuild(leaves) as W));
    },
  };
}
