import { createKey, createModel, disposeModel, gpt2 } from '@tesserae/core';
import { adamw, createTrainingStep } from '@tesserae/trainer';

/** The model and batch of the training bench: 11.1 M parameters, 2,048 tokens a step. */
export const shape = { width: 384, layers: 6, heads: 6, context: 256, batch: 8, vocabulary: 1024 } as const;

/** Tokens of one step. */
export const tokensPerStep = shape.batch * shape.context;

/** A batch that a model can learn: every token follows from the one before. */
export function batch(): { inputIds: Int32Array; labels: Int32Array } {
  const token = (at: number): number => (at * 7) % shape.vocabulary;
  return {
    inputIds: Int32Array.from({ length: tokensPerStep }, (_, at) => token(at)),
    labels: Int32Array.from({ length: tokensPerStep }, (_, at) => token(at + 1)),
  };
}

/** The step of the bench, ready to run on the active backend: gives its loss, and frees what it holds. */
export function createStep(microBatchSize: number): { run(): Promise<number>; dispose(): void } {
  const config = {
    vocabSize: shape.vocabulary,
    hiddenSize: shape.width,
    numHiddenLayers: shape.layers,
    numAttentionHeads: shape.heads,
    maxPositionEmbeddings: shape.context,
    attentionDropout: 0,
    embeddingDropout: 0,
    residualDropout: 0,
  };
  const model = createModel(gpt2, config, { seed: 1 });
  const step = createTrainingStep(model, {
    optimizer: adamw({ beta1: 0.9, beta2: 0.95, weightDecay: 0.01 }),
    batchSize: shape.batch,
    microBatchSize,
    contextLength: shape.context,
    gradientClipNorm: 1,
    key: createKey(1),
  });
  disposeModel(model);
  const data = batch();
  let count = 0;
  return { run: async () => (await step.run(data, 3e-4, ++count)).loss, dispose: () => step.dispose() };
}
