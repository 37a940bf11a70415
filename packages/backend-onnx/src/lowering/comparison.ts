import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast, elementwise, scalarLike, upcast, where } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

/** Compares in the element type that holds both; booleans are compared as int32. */
export function compare(graph: LoweringGraph, opType: string, a: GraphTensor, b: GraphTensor): GraphTensor {
  const common = upcast(a.dtype, b.dtype);
  const dtype = common === 'bool' ? 'int32' : common;
  return elementwise(graph, opType, [cast(graph, a, dtype), cast(graph, b, dtype)], { dtype: 'bool' });
}

const not = (graph: LoweringGraph, x: GraphTensor): GraphTensor =>
  elementwise(graph, 'Not', [cast(graph, x, 'bool')], { dtype: 'bool' });

function comparison(name: string, opType: string, negated = false): KernelLowering {
  return kernel(name, ['a', 'b'], (graph, [a, b]) => {
    const result = compare(graph, opType, a, b);
    return negated ? not(graph, result) : result;
  });
}

function logical(name: string, opType: string): KernelLowering {
  return kernel(name, ['a', 'b'], (graph, [a, b]) =>
    elementwise(graph, opType, [cast(graph, a, 'bool'), cast(graph, b, 'bool')], { dtype: 'bool' }),
  );
}

/** Tests of floating-point numbers: whole numbers are always finite. */
function floatTest(
  name: string,
  test: (graph: LoweringGraph, x: GraphTensor) => GraphTensor,
  otherwise: number,
): KernelLowering {
  return kernel(name, ['x'], (graph, [x]) =>
    x.dtype === 'float32' ? test(graph, x) : graph.fill(otherwise, x.shape, 'bool'),
  );
}

const isNan = (graph: LoweringGraph, x: GraphTensor): GraphTensor =>
  elementwise(graph, 'IsNaN', [x], { dtype: 'bool' });
const isInfinite = (graph: LoweringGraph, x: GraphTensor): GraphTensor =>
  elementwise(graph, 'IsInf', [x], { dtype: 'bool' });

/** `condition ? t : e`; a condition of rank 1 chooses whole rows. */
function select(graph: LoweringGraph, [condition, t, e]: readonly GraphTensor[]): GraphTensor {
  const dtype = upcast(t.dtype, e.dtype);
  const rows = condition.shape.length === 1 && t.shape.length > 1;
  const chosen = rows ? reshapeCondition(graph, condition, t.shape.length) : condition;
  return where(graph, cast(graph, chosen, 'bool'), cast(graph, t, dtype), cast(graph, e, dtype));
}

function reshapeCondition(graph: LoweringGraph, condition: GraphTensor, rank: number): GraphTensor {
  const shape = [condition.shape[0], ...new Array<number>(rank - 1).fill(1)];
  return graph.op('Reshape', [condition, graph.int64(shape)], {}, { shape });
}

export const comparisonLowerings: readonly KernelLowering[] = [
  comparison('Equal', 'Equal'),
  comparison('NotEqual', 'Equal', true),
  comparison('Greater', 'Greater'),
  comparison('GreaterEqual', 'GreaterOrEqual'),
  comparison('Less', 'Less'),
  comparison('LessEqual', 'LessOrEqual'),
  logical('LogicalAnd', 'And'),
  logical('LogicalOr', 'Or'),
  logical('LogicalXor', 'Xor'),
  kernel('LogicalNot', ['x'], (graph, [x]) => not(graph, x)),
  kernel('BitwiseAnd', ['a', 'b'], (graph, [a, b]) => elementwise(graph, 'BitwiseAnd', [a, b])),
  floatTest('IsNan', isNan, 0),
  floatTest('IsInf', isInfinite, 0),
  floatTest(
    'IsFinite',
    (graph, x) => compare(graph, 'Less', elementwise(graph, 'Abs', [x]), scalarLike(graph, Infinity, x)),
    1,
  ),
  kernel('Select', ['condition', 't', 'e'], select),
];
