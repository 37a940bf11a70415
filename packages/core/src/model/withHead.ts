import { createModel } from './createModel';
import { flattenParams, mapParams } from './params';
import type { ArchitectureConfig, Model, ModelHead, ProblemType } from './types';
import { isWeightForm, weightOperations } from './weight';

/** What `withHead` is told beside the head. */
export interface WithHeadOptions {
  /** Classes of the head; those of the model's config, or 2, when absent. */
  readonly numLabels?: number | undefined;
  /** What a sequence classifier's logits mean. */
  readonly problemType?: ProblemType | undefined;
  /** Seed of the weights that are new; 0 when absent. */
  readonly seed?: number | undefined;
}

/**
 * Puts another head on a model's body, for fine-tuning: all weights that the two have in common are shared, those of the
 * new head are fresh.
 *
 * @param model the model; it is not changed
 * @param head what stands on the body: `sequence-classification`, `token-classification`, `none` …
 * @param options `numLabels`, `problemType`, `seed`
 * @returns the model with that head; the head's tensors are its own, all others are the given model's
 * @throws E_CONFIG when the architecture has no such head
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { bert, createModel, withHead } from '@tesserae/core';
 *
 * const size = { vocabSize: 50, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const language = createModel(bert, size, { seed: 1 });
 * const classifier = withHead(language, 'sequence-classification', { numLabels: 3 });
 * console.log(classifier.params.layers === language.params.layers, classifier.config.numLabels); // → false 3
 * ```
 */
export function withHead<C extends ArchitectureConfig>(
  model: Model<C>,
  head: ModelHead,
  { numLabels, problemType, seed = 0 }: WithHeadOptions = {},
): Model<C> {
  const { adapter: _adapter, trainable: _trainable, params, architecture, config, ...rest } = model;
  const wanted = {
    ...config,
    head,
    ...(numLabels !== undefined && { numLabels }),
    ...(problemType && { problemType }),
  };
  const fresh = createModel(architecture, wanted as Partial<C>, { seed });
  const known = new Map(flattenParams(params));
  const shared = mapParams(fresh.params, (own, path) => {
    const weight = known.get(path);
    const shape = weight && (isWeightForm(weight) ? weightOperations(weight).shape(weight) : weight.shape);
    if (!weight || isWeightForm(own) || shape!.join() !== own.shape.join()) return own;
    own.dispose();
    return weight;
  });
  return { ...rest, architecture, config: fresh.config, params: shared };
}
