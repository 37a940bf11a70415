import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import type { Optimizer } from './optimizer';

/** Options of {@link adafactor}; the defaults are the paper's. */
export interface AdafactorOptions {
  /** The rate when no schedule is given; `relative` steps do not look at it. */
  readonly learningRate?: number;
  /**
   * `relative`: min(0.01, 1/√t), whatever the schedule says. `fixed`: the schedule's rate, as Hugging Face's with
   * `relative_step=False`. `bounded`: min(rate, 1/√t), as PyTorch's. `relative` when absent.
   */
  readonly stepSize?: 'relative' | 'fixed' | 'bounded';
  /** Relative steps begin at 1e-6 and grow by as much each step: false. */
  readonly warmup?: boolean;
  /** Steps are in proportion to the size of the parameter (its root mean square, at least `minimumScale`): true. */
  readonly scaleByParameter?: boolean;
  /** 1e-3 */
  readonly minimumScale?: number;
  /** The memory of squares at step t keeps 1 - t^decay of itself: -0.8. */
  readonly decay?: number;
  /** Updates whose root mean square is larger are scaled down to it: 1. */
  readonly clipThreshold?: number;
  /** Added to squares, so that nothing divides by zero: 1e-30. */
  readonly eps?: number;
  /** Share of the previous update in the next one, at the cost of a tensor a parameter: none when absent. */
  readonly beta1?: number;
  /** Share of the step by which parameters shrink towards zero: 0. Norms and biases are left alone. */
  readonly weightDecay?: number;
}

type Settings = Required<Omit<AdafactorOptions, 'learningRate' | 'beta1'>> & Pick<AdafactorOptions, 'beta1'>;

/**
 * Adam's second moment in the memory of its row and column sums: for a matrix of n × m numbers n + m are remembered.
 *
 * R ← β₂R + (1-β₂)·mean_columns(g²), C ← β₂C + (1-β₂)·mean_rows(g²), u = g / √(R·C / mean(R)),
 * p ← p - α · u / max(1, rms(u) / clipThreshold), α = step size · max(minimumScale, rms(p)), β₂ = 1 - t^decay
 *
 * Vectors remember all their squares. Higher ranks are factored over the last two axes.
 *
 * @param options kind of step, scale, decay, clipping, first moment and weight decay
 * @returns an optimizer, pure functions over lists of tensors
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Shazeer and Stern, "Adafactor" (2018), algorithms 4 and 5; equals `transformers.optimization.Adafactor` and,
 * with `stepSize: 'bounded'`, `torch.optim.Adafactor`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * import { adafactor } from '@tesserae/trainer';
 * const optimizer = adafactor();
 * const state = optimizer.init([tf.zeros([30, 20])]);
 * console.log(state.rows[0].shape, state.columns[0].shape); // → [ 30 ] [ 20 ]
 * ```
 */
export const adafactor: Plugin<'optimizer', 'adafactor', (options?: AdafactorOptions) => Optimizer> =
  /* @__PURE__ */ definePlugin({
    kind: 'optimizer',
    name: 'adafactor',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: "Adam's second moment in the memory of row and column sums",
    create: createAdafactor,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'optimizer:adafactor': typeof adafactor;
  }
}

const isFactored = ({ shape }: Tensor): boolean => shape.length >= 2;
const rootMeanSquare = (x: Tensor): Scalar => tf.sqrt(tf.mean<Scalar>(tf.square(x))); // []
const blend = (memory: Tensor, value: Tensor, beta2: Scalar): Tensor =>
  tf.add(tf.mul(memory, beta2), tf.mul(value, tf.sub(1, beta2)));

function createAdafactor(options: AdafactorOptions = {}): Optimizer {
  checkOptions<AdafactorOptions>('adafactor', options, {
    learningRate: rules.positive,
    stepSize: oneOf('relative', 'fixed', 'bounded'),
    warmup: rules.boolean,
    scaleByParameter: rules.boolean,
    minimumScale: rules.positive,
    decay: { expected: 'a number below 0', test: (v) => typeof v === 'number' && v < 0 },
    clipThreshold: rules.positive,
    eps: rules.positive,
    beta1: rules.fraction,
    weightDecay: rules.nonNegative,
  });
  const { learningRate, beta1, ...given } = options;
  const settings: Settings = {
    stepSize: 'relative',
    warmup: false,
    scaleByParameter: true,
    minimumScale: 1e-3,
    decay: -0.8,
    clipThreshold: 1,
    eps: 1e-30,
    weightDecay: 0,
    ...given,
    ...(beta1 !== undefined && { beta1 }),
  };
  return {
    name: 'adafactor',
    hyperparameters: settings,
    learningRate,
    positiveSlots: ['rows', 'columns', 'squares'],
    init(parameters) {
      const matrices = parameters.filter(isFactored);
      return {
        rows: matrices.map(({ shape }) => tf.zeros(shape.slice(0, -1))),
        columns: matrices.map(({ shape }) => tf.zeros([...shape.slice(0, -2), shape[shape.length - 1]])),
        squares: parameters.filter((parameter) => !isFactored(parameter)).map(({ shape }) => tf.zeros(shape)),
        mean: beta1 === undefined ? [] : parameters.map(({ shape }) => tf.zeros(shape)),
      };
    },
    update(gradients, state, parameters, { learningRate: rate, step, decay }) {
      const beta2 = tf.sub<Scalar>(1, tf.pow(step, settings.decay)); // []
      const size = stepSizeOf(settings, rate, step); // []
      const next = { rows: [] as Tensor[], columns: [] as Tensor[], squares: [] as Tensor[], mean: [] as Tensor[] };
      const moved = parameters.map((parameter, i) => {
        const raw = isFactored(parameter)
          ? factored(gradients[i], state, next, beta2, settings.eps)
          : plain(gradients[i], state, next, beta2, settings.eps);
        const clip = tf.maximum(tf.div(rootMeanSquare(raw), settings.clipThreshold), 1); // []
        const scale = settings.scaleByParameter
          ? tf.mul<Scalar>(size, tf.maximum(rootMeanSquare(parameter), settings.minimumScale))
          : size; // []
        let update = tf.mul(raw, tf.div(scale, clip));
        if (beta1 !== undefined) {
          update = tf.add(tf.mul(state.mean[i], beta1), tf.mul(update, 1 - beta1));
          next.mean.push(update);
        }
        const shrinks = settings.weightDecay > 0 && decay[i];
        const kept = shrinks ? tf.mul(parameter, tf.sub(1, tf.mul(scale, settings.weightDecay))) : parameter;
        return tf.sub(kept, update);
      });
      return { parameters: moved, state: next };
    },
  };
}

function stepSizeOf({ stepSize, warmup }: Settings, rate: Scalar, step: Scalar): Scalar {
  if (stepSize === 'fixed') return rate;
  const bound = stepSize === 'bounded' ? rate : warmup ? tf.mul<Scalar>(step, 1e-6) : tf.scalar(1e-2);
  return tf.minimum(bound, tf.rsqrt(step));
}

interface Squares {
  readonly rows: readonly Tensor[];
  readonly columns: readonly Tensor[];
  readonly squares: readonly Tensor[];
}
type NextSquares = { [slot in keyof Squares]: Tensor[] };

/** g / √(R·C / mean(R)) of the next matrix in line, whose memory is appended to `next`. */
function factored(
  gradient: Tensor,
  state: { readonly [slot: string]: readonly Tensor[] },
  next: NextSquares,
  beta2: Scalar,
  eps: number,
): Tensor {
  const at = next.rows.length;
  const square = tf.add(tf.square(gradient), eps); // [..., n, m]
  const rows = blend(state.rows[at], tf.mean(square, -1), beta2); // [..., n]
  const columns = blend(state.columns[at], tf.mean(square, -2), beta2); // [..., m]
  next.rows.push(rows);
  next.columns.push(columns);
  const rowFactor = tf.rsqrt(tf.div(rows, tf.mean(rows, -1, true))); // [..., n]
  return tf.mul(tf.mul(gradient, tf.expandDims(rowFactor, -1)), tf.expandDims(tf.rsqrt(columns), -2)); // [..., n, m]
}

/** g / √V of the next vector in line. */
function plain(
  gradient: Tensor,
  state: { readonly [slot: string]: readonly Tensor[] },
  next: NextSquares,
  beta2: Scalar,
  eps: number,
): Tensor {
  const squares = blend(state.squares[next.squares.length], tf.add(tf.square(gradient), eps), beta2);
  next.squares.push(squares);
  return tf.mul(gradient, tf.rsqrt(squares));
}
