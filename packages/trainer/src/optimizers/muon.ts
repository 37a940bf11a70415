import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import { adamw } from './adamw';
import { parameterGroups } from './parameterGroups';
import type { ParameterMatch } from './parameterGroups';
import type { Optimizer } from './optimizer';

/** Options of {@link muon}; the defaults are PyTorch's. */
export interface MuonOptions {
  /** The rate when no schedule is given: 0.02. */
  readonly learningRate?: number;
  /** Share of the previous direction that is kept: 0.95. */
  readonly momentum?: number;
  /** Look one momentum step ahead: true. */
  readonly nesterov?: boolean;
  /** Share of the rate by which parameters shrink towards zero each step: 0.1. */
  readonly weightDecay?: number;
  /** Newton–Schulz iterations: 5. */
  readonly iterations?: number;
  /** `spectral`: rate · √max(1, rows/columns); `adamw`: 0.2·√max(rows, columns), for rates that suit AdamW. `spectral`. */
  readonly rateAdjustment?: 'spectral' | 'adamw';
  /** The optimizer of everything that is no hidden matrix: AdamW; its rate in proportion to Muon's. */
  readonly others?: Optimizer;
  /** Which parameters Muon takes: matrices that are neither embeddings nor heads. */
  readonly match?: ParameterMatch;
}

/** The quintic whose iteration takes singular values to about 1 quickest. */
const [A, B, C] = [3.4445, -4.775, 2.0315];

/**
 * Momentum whose directions are made orthogonal: every singular value of a step is about 1, so that no direction of a
 * matrix is left behind. For hidden matrices; embeddings, heads, norms and biases go to AdamW.
 *
 * m ← μm + (1-μ)g, d = (1-μ)g + μm with `nesterov`, p ← p·(1 - lr·decay) - lr·adjustment·NS(d)
 *
 * @param options learning rate, momentum, weight decay, iterations, and what the other parameters get
 * @returns an optimizer, pure functions over lists of tensors
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: Jordan et al., "Muon" (2024); equals `torch.optim.Muon` on matrices, whose iterations run in bfloat16 while
 * these run in float32.
 *
 * @example
 * ```ts
 * import { muon } from '@tesserae/trainer';
 * console.log(muon({ learningRate: 0.01 }).name); // → muon
 * ```
 */
export const muon: Plugin<'optimizer', 'muon', (options?: MuonOptions) => Optimizer> = /* @__PURE__ */ definePlugin({
  kind: 'optimizer',
  name: 'muon',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Momentum whose directions are made orthogonal',
  create: createMuon,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'optimizer:muon': typeof muon;
  }
}

const isHiddenMatrix = (name: string, shape: readonly number[]): boolean =>
  shape.length === 2 && !/[eE]mbedding|^head\b|[hH]ead\.weight$/.test(name);

function createMuon(options: MuonOptions = {}): Optimizer {
  checkOptions<MuonOptions>('muon', options, {
    learningRate: rules.positive,
    momentum: rules.fraction,
    nesterov: rules.boolean,
    weightDecay: rules.nonNegative,
    iterations: rules.positiveInteger,
    rateAdjustment: oneOf('spectral', 'adamw'),
    others: { expected: 'an optimizer', test: (v) => typeof (v as Optimizer | undefined)?.update === 'function' },
    match: {
      expected: 'a regular expression or a function',
      test: (v) => typeof v === 'function' || typeof v === 'object',
    },
  });
  const { learningRate = 0.02, momentum = 0.95, nesterov = true, weightDecay = 0.1, iterations = 5 } = options;
  const { rateAdjustment = 'spectral', match = isHiddenMatrix } = options;
  const others = options.others ?? adamw({ learningRate: 3e-4, beta2: 0.95, weightDecay });
  const hyperparameters = { momentum, nesterov, weightDecay, iterations, rateAdjustment };
  const matrices: Optimizer = {
    name: 'muon',
    hyperparameters,
    learningRate,
    init: (parameters) => ({ momentum: parameters.map(({ shape }) => tf.zeros(shape)) }),
    update(gradients, state, parameters, { learningRate: rate, decay }) {
      const keep = tf.sub(1, tf.mul(rate, weightDecay)); // []
      const memory = gradients.map((g, i) => tf.add(tf.mul(state.momentum[i], momentum), tf.mul(g, 1 - momentum)));
      const moved = parameters.map((parameter, i) => {
        const direction = nesterov
          ? tf.add(tf.mul(gradients[i], 1 - momentum), tf.mul(memory[i], momentum))
          : memory[i];
        const [rows, columns] = parameter.shape as [number, number];
        const adjust =
          rateAdjustment === 'adamw'
            ? 0.2 * Math.sqrt(Math.max(rows, columns))
            : Math.sqrt(Math.max(1, rows / columns));
        const kept = weightDecay > 0 && decay[i] ? tf.mul(parameter, keep) : parameter;
        return tf.sub(kept, tf.mul(orthogonalize(direction as tf.Tensor2D, iterations), tf.mul(rate, adjust)));
      });
      return { parameters: moved, state: { momentum: memory } };
    },
  };
  const scale = (others.learningRate ?? learningRate) / learningRate;
  const rest: Optimizer = {
    ...others,
    update: (gradients, state, parameters, context) =>
      others.update(gradients, state, parameters, { ...context, learningRate: tf.mul(context.learningRate, scale) }),
  };
  const grouped = parameterGroups(rest, [{ match, optimizer: matrices }]);
  const settings = { ...hyperparameters, others: `${others.name} ${JSON.stringify(others.hyperparameters)}` };
  return { ...grouped, name: 'muon', learningRate, hyperparameters: settings };
}

/** The matrix with singular values near 1 in place of its own: [n, m]. Newton–Schulz on the wider side. */
function orthogonalize(matrix: tf.Tensor2D, iterations: number): Tensor {
  const [rows, columns] = matrix.shape;
  let x: tf.Tensor2D = rows > columns ? tf.transpose(matrix) : matrix; // [n, m], n ≤ m
  x = tf.div(x, tf.maximum(tf.norm(x), 1e-7));
  for (let i = 0; i < iterations; i++) {
    const gram = tf.matMul(x, x, false, true); // [n, n]
    const polynomial = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C)) as tf.Tensor2D;
    x = tf.add(tf.mul(x, A), tf.matMul(polynomial, x));
  }
  return rows > columns ? tf.transpose(x) : x;
}
