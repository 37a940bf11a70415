import { backend_util } from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

/** Sums of products named by an equation such as `ij,jk->ik`. */
function einsum(
  graph: LoweringGraph,
  inputs: readonly GraphTensor[],
  attributes: Readonly<Record<string, unknown>>,
): GraphTensor {
  const equation = (attributes.equation as string).replace(/\s/g, '');
  const { allDims, idDims } = backend_util.decodeEinsumEquation(equation, inputs.length); // throws for what is unknown
  backend_util.checkEinsumDimSizes(allDims.length, idDims, inputs as unknown as Tensor[]);
  const [left, right] = equation.split('->');
  const sizes = new Map<string, number>();
  left.split(',').forEach((term, i) => [...term].forEach((letter, axis) => sizes.set(letter, inputs[i].shape[axis])));
  const shape = [...right].map((letter) => sizes.get(letter)!);
  const operands = inputs.map((input) => cast(graph, input, 'float32'));
  return cast(graph, graph.op('Einsum', operands, { equation }, { shape }), inputs[0].dtype);
}

export const einsumLowerings: readonly KernelLowering[] = [kernel('Einsum', 'list', einsum)];
