import { broadcastShape } from '../graph/shape';
import type { GraphTensor, LoweringGraph } from '../graph/types';
import { cast, elementwise, expand, folded, scalarLike, toInt32, upcast, where } from './elementwise';
import { kernel } from './types';
import type { KernelLowering } from './types';

type Binary = (graph: LoweringGraph, a: GraphTensor, b: GraphTensor) => GraphTensor;

/** Both operands in the element type that holds both; booleans are computed as int32. */
function matched(graph: LoweringGraph, a: GraphTensor, b: GraphTensor): [GraphTensor, GraphTensor] {
  const dtype = upcast(a.dtype, b.dtype);
  return [cast(graph, a, dtype), cast(graph, b, dtype)];
}

/** Computes on int32 where the operands are booleans: ONNX Runtime has no arithmetic on them. */
function withoutBooleans(graph: LoweringGraph, a: GraphTensor, b: GraphTensor, compute: Binary): GraphTensor {
  if (a.dtype !== 'bool') return compute(graph, a, b);
  return cast(graph, compute(graph, cast(graph, a, 'int32'), cast(graph, b, 'int32')), 'bool');
}

function arithmetic(compute: Binary): Binary {
  return (graph, first, second) => {
    const [a, b] = matched(graph, first, second);
    return withoutBooleans(graph, a, b, compute);
  };
}

const broadcast = (graph: LoweringGraph, x: GraphTensor, other: GraphTensor): GraphTensor =>
  expand(graph, x, broadcastShape(x.shape, other.shape));

export const add = arithmetic((graph, a, b) => {
  if (a.uniform === 0) return broadcast(graph, b, a);
  if (b.uniform === 0) return broadcast(graph, a, b);
  return folded(graph, [a, b], (x, y) => x + y) ?? elementwise(graph, 'Add', [a, b]);
});

export const subtract = arithmetic((graph, a, b) => {
  if (b.uniform === 0) return broadcast(graph, a, b);
  return folded(graph, [a, b], (x, y) => x - y) ?? elementwise(graph, 'Sub', [a, b]);
});

export const multiply = arithmetic((graph, a, b) => {
  if (a.uniform === 1) return broadcast(graph, b, a);
  if (b.uniform === 1) return broadcast(graph, a, b);
  return folded(graph, [a, b], (x, y) => x * y) ?? elementwise(graph, 'Mul', [a, b]);
});

export const divide = arithmetic((graph, a, b) => {
  if (a.dtype === 'int32') return truncatedQuotient(graph, a, b, false);
  if (b.uniform === 1) return broadcast(graph, a, b);
  return folded(graph, [a, b], (x, y) => x / y) ?? elementwise(graph, 'Div', [a, b]);
});

/** `a / b` in float64, rounded, as int32; division by zero gives 0, as storing Infinity in an Int32Array does. */
function truncatedQuotient(graph: LoweringGraph, a: GraphTensor, b: GraphTensor, floor: boolean): GraphTensor {
  let quotient = elementwise(graph, 'Div', [cast(graph, a, 'float64'), cast(graph, b, 'float64')]);
  if (floor) quotient = elementwise(graph, 'Floor', [quotient]);
  const whole = cast(graph, quotient, 'int32');
  if (b.uniform !== undefined && b.uniform !== 0) return whole;
  return where(
    graph,
    elementwise(graph, 'Equal', [b, scalarLike(graph, 0, b)], { dtype: 'bool' }),
    scalarLike(graph, 0, whole),
    whole,
  );
}

const floorDivide: Binary = (graph, first, second) => {
  const dtype = upcast(upcast(first.dtype, second.dtype), 'int32');
  const [a, b] = [cast(graph, first, dtype), cast(graph, second, dtype)];
  if (dtype === 'int32') return truncatedQuotient(graph, a, b, true);
  return toInt32(graph, elementwise(graph, 'Floor', [elementwise(graph, 'Div', [a, b])]));
};

/** The remainder with the sign of the divisor. */
const modulo = arithmetic((graph, a, b) => {
  if (a.dtype === 'int32') {
    // By 0 the result is NaN, which is 0 in an Int32Array; by 1 and -1 it is 0 anyway. The processor traps on some of these.
    const is = (value: number): GraphTensor =>
      elementwise(graph, 'Equal', [b, scalarLike(graph, value, b)], { dtype: 'bool' });
    const small = elementwise(graph, 'Or', [is(0), is(-1)], { dtype: 'bool' });
    const safe = b.uniform !== undefined && b.uniform > 0 ? b : where(graph, small, scalarLike(graph, 1, b), b);
    return elementwise(graph, 'Mod', [a, safe]);
  }
  const remainder = elementwise(graph, 'Mod', [a, b], { attributes: { fmod: 1 } });
  const zero = scalarLike(graph, 0, a);
  const negative = (x: GraphTensor): GraphTensor => elementwise(graph, 'Less', [x, zero], { dtype: 'bool' });
  const differ = elementwise(graph, 'Xor', [negative(a), negative(b)], { dtype: 'bool' });
  const shifted = elementwise(graph, 'Mod', [elementwise(graph, 'Add', [remainder, b]), b], {
    attributes: { fmod: 1 },
  });
  return where(graph, differ, shifted, remainder);
});

/** `max` or `min` that gives NaN when either side is NaN. */
function extremum(opType: 'Max' | 'Min'): Binary {
  return arithmetic((graph, a, b) => elementwise(graph, opType, [a, b]));
}

export const maximum = extremum('Max');
export const minimum = extremum('Min');

export const power = arithmetic((graph, a, b) => {
  if (a.dtype === 'float32' && b.uniform === 2) return elementwise(graph, 'Mul', [a, a]);
  if (a.dtype === 'float32' && b.uniform === 1) return broadcast(graph, a, b);
  if (a.dtype === 'float32' && b.uniform === 0.5 && b.shape.length === 0) return elementwise(graph, 'Sqrt', [a]);
  return folded(graph, [a, b], Math.pow) ?? elementwise(graph, 'Pow', [a, b]);
});

const squaredDifference = arithmetic((graph, a, b) => {
  const difference = elementwise(graph, 'Sub', [a, b]);
  return elementwise(graph, 'Mul', [difference, difference]);
});

const atan2: Binary = (graph, first, second) => {
  const infinite = (value: GraphTensor): GraphTensor => elementwise(graph, 'IsInf', [value], { dtype: 'bool' });
  const both = elementwise(graph, 'And', [infinite(first), infinite(second)], { dtype: 'bool' });
  const y = where(graph, both, elementwise(graph, 'Sign', [first]), first); // their quotient has no value
  const x = where(graph, both, elementwise(graph, 'Sign', [second]), second);
  const zero = scalarLike(graph, 0, x);
  const test = (opType: string, value: GraphTensor): GraphTensor =>
    elementwise(graph, opType, [value, zero], { dtype: 'bool' });
  const pi = where(graph, test('Less', y), scalarLike(graph, -Math.PI, x), scalarLike(graph, Math.PI, x));
  const angle = elementwise(graph, 'Atan', [elementwise(graph, 'Div', [y, x])]);
  const left = elementwise(graph, 'Add', [angle, pi]);
  const half = elementwise(graph, 'Mul', [elementwise(graph, 'Sign', [y]), scalarLike(graph, Math.PI / 2, x)]);
  return where(graph, test('Equal', x), half, where(graph, test('Less', x), left, angle));
};

/** The sum of any number of tensors of one shape. */
function addAll(graph: LoweringGraph, inputs: readonly GraphTensor[]): GraphTensor {
  return inputs.reduce((sum, input) => add(graph, sum, input));
}

const binary = (name: string, compute: Binary): KernelLowering =>
  kernel(name, ['a', 'b'], (graph, [a, b]) => compute(graph, a, b));

export const arithmeticLowerings: readonly KernelLowering[] = [
  binary('Add', add),
  kernel('AddN', 'list', addAll),
  binary('Sub', subtract),
  binary('Multiply', multiply),
  binary('RealDiv', divide),
  binary('FloorDiv', floorDivide),
  binary('Mod', modulo),
  binary('Maximum', maximum),
  binary('Minimum', minimum),
  binary('Pow', power),
  binary('SquaredDifference', squaredDifference),
  binary('Atan2', atan2),
];
