import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { createCapture, createKey, foldIn, integers } from '@tesserae/core';
import type { Key } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { drawBeta } from './draw-beta';
import type { ModelRun, Objective, ObjectiveBatch, OutputObjective } from './objective';
import { requireLearnersHead } from './objective-errors';
import { requireOutputObjective } from './r-drop';

/** Options of {@link mixup}. */
export interface MixupOptions {
  /** The shares are drawn from Beta(α, α): 0.2. Small ones leave most rows nearly as they are. */
  readonly alpha?: number;
  /**
   * Where rows are mixed, by the names of captured values: `['embeddings']`. Of several one is drawn for each step, as in
   * manifold mixup: `['embeddings', 'layers.0.output', 'layers.1.output']`.
   */
  readonly at?: readonly string[];
}

/**
 * Learns from mixtures of texts: the vectors of each row are mixed with those of another, and so are their losses.
 *
 * With λ from Beta(α, α) and row j beside row i: x = λ xᵢ + (1 − λ) xⱼ at the embeddings or further up, and the loss is
 * λ L(yᵢ) + (1 − λ) L(yⱼ). What is padding in one of the two alone is seen. An evaluation mixes nothing.
 *
 * @param objective what is learned: an objective for classifiers of texts
 * @param options how much is mixed, and where
 * @returns an objective that takes the same data
 * @throws E_OPTION for another objective, E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Zhang et al.: "mixup: Beyond Empirical Risk Minimization" (2018); Guo et al.: "Augmenting Data with Mixup for Sentence
 * Classification" (2019); Verma et al.: "Manifold Mixup" (2019).
 *
 * @example
 * ```ts
 * import { mixup, sequenceClassification } from '@tesserae/trainer';
 * console.log(mixup(sequenceClassification(), { alpha: 0.4 }).name); // → mixup sequence-classification
 * ```
 */
export function mixup(objective: Objective, options: MixupOptions = {}): Objective {
  checkOptions<MixupOptions>('mixup', options, {
    alpha: rules.positive,
    at: {
      expected: 'a list of different names',
      test: (list) =>
        Array.isArray(list) && list.length > 0 && list.every(rules.string.test) && new Set(list).size === list.length,
    },
  });
  const inner = requireOutputObjective('mixup', objective);
  const { alpha = 0.2, at = ['embeddings'] } = options;
  return {
    name: `mixup ${inner.name}`,
    hyperparameters: { ...inner.hyperparameters, mixupAlpha: alpha, mixupAt: at.join(',') },
    parts: ['loss'],
    packs: 'it mixes rows with rows',
    async prepare(model, data, settings) {
      requireLearnersHead('mixup', model, 'sequence-classification');
      const prepared = await inner.prepare(model, data, settings);
      const key = foldIn(createKey(settings.seed), MIXUP);
      const sampler = (step: number): ObjectiveBatch => ({
        ...prepared.sampler(step),
        mixupShares: drawShares(foldIn(key, step), alpha, at.length, settings.rows),
      });
      return { ...prepared, sampler };
    },
    losses: (run, { mixupShares, ...tensors }) => ({
      loss: run.training
        ? mixedLoss(run, inner, tensors, mixupShares, at)
        : inner.loss(run.forward(withoutLabels(tensors)), tensors),
    }),
  };
}

/** Keeps the draws of mixtures apart from all others of a seed. */
const MIXUP = 0x6d6978;

/** Each row's own share at each place, the same for every row: 1 but at the place that was drawn. [rows, places] */
function drawShares(key: Key, alpha: number, places: number, rows: number): Float32Array {
  const [place] = integers(foldIn(key, 0), 1, 0, places);
  const share = drawBeta(foldIn(key, 1), alpha);
  return Float32Array.from({ length: rows * places }, (_, i) => (i % places === place ? share : 1));
}

type Tensors = Readonly<Record<string, Tensor>>;

const withoutLabels = ({ labels: _, ...inputs }: Tensors): Tensors => inputs;

/** Row i + 1 in place of row i: rows come in random order, so that this is any other. */
const nextRows = (x: Tensor): Tensor => {
  const rows = x.shape[0];
  return rows === 1 ? x : tf.concat([tf.slice(x, 1, rows - 1), tf.slice(x, 0, 1)], 0);
};

function mixedLoss(
  run: ModelRun,
  objective: OutputObjective,
  tensors: Tensors,
  shares: Tensor, // [B, places]
  at: readonly string[],
): Scalar {
  const met = new Set<string>();
  const intercept = Object.fromEntries(
    at.map((name, place) => [
      name,
      (value: Tensor): Tensor => {
        met.add(name);
        const own = tf.reshape(tf.slice(shares, [0, place], [-1, 1]), [-1, ...value.shape.slice(1).map(() => 1)]);
        return tf.add(tf.mul(value, own), tf.mul(nextRows(value), tf.sub(1, own)));
      },
    ]),
  );
  const { attentionMask } = tensors;
  const mask = attentionMask && { attentionMask: tf.maximum(attentionMask, nextRows(attentionMask)) };
  const output = run.forward({ ...withoutLabels(tensors), ...mask }, { capture: createCapture({ intercept }) });
  const missed = at.find((name) => !met.has(name));
  if (missed !== undefined) throw noSuchPlace(run, missed);
  const share = tf.min(shares); // []
  const others = objective.loss(output, { ...tensors, labels: nextRows(tensors.labels) });
  return tf.add(tf.mul(objective.loss(output, tensors), share), tf.mul(others, tf.sub(1, share))) as Scalar;
}

const noSuchPlace = ({ model }: ModelRun, name: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'mixup',
    code: 'E_OPTION',
    message: `${model.architecture.name} shows no value '${name}' on its way`,
    fix: `mix at 'embeddings' or at 'layers.N.output' (encoder-decoders: 'encoder.embeddings')`,
  });
