import * as tf from '@tensorflow/tfjs-core';
import type { GraphTensor, Lowering } from '@tesserae/backend-onnx';
import { defineOp } from '../nn/defineOp';

/**
 * max(x, −∞), where −∞ is chosen by what must come first. It looks at one element of that, and the choice is between two
 * equal numbers, which no optimizer sees through.
 */
const lower: Lowering = (graph, [x, earlier]) => {
  const flat = graph.op(
    'Reshape',
    [earlier, graph.int64([-1])],
    {},
    { shape: [earlier.shape.reduce((a, b) => a * b, 1)] },
  );
  const [first, one] = [graph.int64([0]), graph.int64([1])];
  const element = graph.op('Slice', [flat, first, one, first], {}, { shape: [1] });
  const isNumber = graph.op('Equal', [element, element], {}, { dtype: 'bool' });
  const least: GraphTensor = graph.fill(-Infinity, [1], 'float32');
  return [graph.op('Max', [x, graph.op('Where', [isNumber, least, least], {}, least)], {}, x)];
};

const afterOp = /* @__PURE__ */ defineOp<{ x: tf.Tensor; earlier: tf.Tensor }, Record<string, never>>({
  name: 'After',
  composite: ({ x }) => tf.clone(x),
  lower,
});

/**
 * The same tensor, but in a compiled program not before other tensors have been computed: so that what is made of it
 * comes late, and is not taken for what was made of it before.
 *
 * @param x any shape
 * @param earlier what must have been computed, float32
 * @returns x; no gradient is defined
 */
export function after(x: tf.Tensor, earlier: readonly tf.Tensor[]): tf.Tensor {
  return earlier.reduce((value, one) => (one.size === 0 ? value : afterOp({ x: value, earlier: one }, {})), x);
}
