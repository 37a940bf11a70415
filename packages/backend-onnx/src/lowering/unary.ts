import type { Attribute, GraphTensor, LoweringGraph } from '../graph/types';
import { cast, elementwise, folded, scalarLike, where } from './elementwise';
import { compare } from './comparison';
import { kernel } from './types';
import type { KernelLowering } from './types';

type Unary = (graph: LoweringGraph, x: GraphTensor, attributes: Readonly<Record<string, unknown>>) => GraphTensor;

/** Applies one ONNX operator, in float32 where it has no kernel for whole numbers. */
function direct(opType: string, attributes?: Readonly<Record<string, Attribute>>): Unary {
  return (graph, x) => {
    if (x.dtype === 'float32') return elementwise(graph, opType, [x], attributes ? { attributes } : {});
    return cast(
      graph,
      elementwise(graph, opType, [cast(graph, x, 'float32')], attributes ? { attributes } : {}),
      x.dtype,
    );
  };
}

/** Keeps int32 as it is: rounding does nothing to whole numbers. */
function rounding(opType: string): Unary {
  return (graph, x) => (x.dtype === 'float32' ? elementwise(graph, opType, [x]) : x);
}

/** Applies one ONNX operator that has kernels for float32 and int32. */
function numeric(opType: string): Unary {
  return (graph, x) => {
    if (x.dtype === 'bool') return cast(graph, elementwise(graph, opType, [cast(graph, x, 'int32')]), 'bool');
    return elementwise(graph, opType, [x]);
  };
}

const chain =
  (...steps: Unary[]): Unary =>
  (graph, x, attributes) =>
    steps.reduce((value, step) => step(graph, value, attributes), x);

const op = (graph: LoweringGraph, opType: string, ...inputs: GraphTensor[]): GraphTensor =>
  elementwise(graph, opType, inputs);

/** Computes in float32, and gives the element type that came in. */
const floating =
  (compute: Unary): Unary =>
  (graph, x, attributes) =>
    x.dtype === 'float32'
      ? compute(graph, x, attributes)
      : cast(graph, compute(graph, cast(graph, x, 'float32'), attributes), x.dtype);

/** `log(1 + x)` without losing small x: `log(u) · x / (u - 1)` with u = 1 + x (Kahan). */
const log1p: Unary = (graph, x) => {
  const one = scalarLike(graph, 1, x);
  const u = op(graph, 'Add', x, one);
  const rest = op(graph, 'Sub', u, one);
  const log = op(graph, 'Log', u);
  const corrected = op(graph, 'Mul', log, op(graph, 'Div', x, rest));
  const tiny = compare(graph, 'Equal', rest, scalarLike(graph, 0, x));
  const endless = compare(graph, 'Equal', x, scalarLike(graph, Infinity, x));
  return where(graph, tiny, x, where(graph, endless, x, corrected));
};

/** `exp(x) - 1` without losing small x: `tanh(x / 2) · (exp(x) + 1)`. */
const expm1: Unary = (graph, x) =>
  op(
    graph,
    'Mul',
    op(graph, 'Tanh', op(graph, 'Mul', x, scalarLike(graph, 0.5, x))),
    op(graph, 'Add', op(graph, 'Exp', x), scalarLike(graph, 1, x)),
  );

/** `max(x, 0)` that keeps NaN. */
const relu: Unary = (graph, x) => {
  return x.dtype === 'bool' ? x : op(graph, 'Max', x, scalarLike(graph, 0, x));
};

const relu6: Unary = (graph, x) => {
  const value = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
  return cast(
    graph,
    op(graph, 'Min', op(graph, 'Max', value, scalarLike(graph, 0, value)), scalarLike(graph, 6, value)),
    x.dtype,
  );
};

const sign: Unary = (graph, x) => {
  if (x.dtype !== 'float32') return numeric('Sign')(graph, x, {});
  const zero = scalarLike(graph, 0, x);
  return op(
    graph,
    'Sub',
    cast(graph, compare(graph, 'Greater', x, zero), 'float32'),
    cast(graph, compare(graph, 'Less', x, zero), 'float32'),
  );
};

const step: Unary = (graph, x, { alpha }) => {
  const zero = scalarLike(graph, 0, x);
  const flat = where(
    graph,
    compare(graph, 'Greater', x, zero),
    scalarLike(graph, 1, x),
    scalarLike(graph, (alpha as number | undefined) ?? 0, x),
  );
  if (x.dtype !== 'float32') return flat;
  return where(graph, elementwise(graph, 'IsNaN', [x], { dtype: 'bool' }), x, flat);
};

const clip: Unary = (graph, x, { clipValueMin, clipValueMax }) => {
  const low = scalarLike(graph, clipValueMin as number, x);
  const high = scalarLike(graph, clipValueMax as number, x);
  return op(graph, 'Min', op(graph, 'Max', x, low), high);
};

const leakyRelu: Unary = (graph, x, { alpha }) => {
  const value = cast(graph, x, 'float32');
  return elementwise(graph, 'LeakyRelu', [value], { attributes: { alpha: { float: alpha as number } } });
};

/** exp(x) below, x above, log(1 + exp(x)) between: the thresholds keep exp from overflowing. */
const softplus = direct('Softplus');

const square: Unary = (graph, x) => {
  const value = cast(graph, x, x.dtype === 'bool' ? 'int32' : x.dtype);
  return cast(graph, op(graph, 'Mul', value, value), x.dtype);
};

const rsqrt: Unary = (graph, x) =>
  folded(graph, [x], (value) => 1 / Math.sqrt(value)) ?? chain(direct('Sqrt'), direct('Reciprocal'))(graph, x, {});

/** The gradient of elu from its output y: dy where y ≥ 0, else dy · (y + 1). */
function eluGradient(graph: LoweringGraph, [dy, y]: readonly GraphTensor[]): GraphTensor {
  const slope = op(graph, 'Add', op(graph, 'Min', y, scalarLike(graph, 0, y)), scalarLike(graph, 1, y));
  return op(graph, 'Mul', dy, slope);
}

function prelu(graph: LoweringGraph, [x, alpha]: readonly GraphTensor[]): GraphTensor {
  const value = cast(graph, x, 'float32');
  const slope = cast(graph, alpha, 'float32');
  return where(
    graph,
    compare(graph, 'Less', value, scalarLike(graph, 0, value)),
    op(graph, 'Mul', slope, value),
    value,
  );
}

const selu = direct('Selu', { alpha: 1.6732632423543772, gamma: 1.0507009873554805 });

const rows: Readonly<Record<string, Unary>> = {
  Abs: numeric('Abs'),
  Acos: direct('Acos'),
  Acosh: direct('Acosh'),
  Asin: direct('Asin'),
  Asinh: direct('Asinh'),
  Atan: direct('Atan'),
  Atanh: direct('Atanh'),
  Ceil: rounding('Ceil'),
  ClipByValue: clip,
  Cos: direct('Cos'),
  Cosh: direct('Cosh'),
  Elu: direct('Elu'),
  Erf: direct('Erf'),
  Exp: (graph, x) => elementwise(graph, 'Exp', [cast(graph, x, 'float32')]),
  Expm1: floating(expm1),
  Floor: rounding('Floor'),
  LeakyRelu: leakyRelu,
  Log: direct('Log'),
  Log1p: floating(log1p),
  Neg: numeric('Neg'),
  Reciprocal: direct('Reciprocal'),
  Relu: relu,
  Relu6: relu6,
  Round: rounding('Round'),
  Rsqrt: rsqrt,
  Selu: selu,
  Sigmoid: direct('Sigmoid'),
  Sign: sign,
  Sin: direct('Sin'),
  Sinh: direct('Sinh'),
  Softplus: softplus,
  Sqrt: direct('Sqrt'),
  Square: square,
  Step: step,
  Tan: direct('Tan'),
  Tanh: direct('Tanh'),
};

export const unaryLowerings: readonly KernelLowering[] = [
  ...Object.entries(rows).map(([name, lower]) =>
    kernel(name, ['x'], (graph, [x], attributes) => lower(graph, x, attributes)),
  ),
  kernel('EluGrad', ['dy', 'y'], eluGradient),
  kernel('Prelu', ['x', 'alpha'], prelu),
];

/** The activations that `_FusedMatMul` may name. */
export const activations: Readonly<Record<string, Unary>> = {
  linear: (_graph, x) => x,
  relu,
  relu6,
  elu: direct('Elu'),
  sigmoid: direct('Sigmoid'),
  leakyrelu: leakyRelu,
};
