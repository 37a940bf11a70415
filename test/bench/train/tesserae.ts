/** The training step of the bench, by Tesserae, on the backend named by the first argument; takes orders from the bench. */
import * as tf from '@tensorflow/tfjs-core';
import { createKey, createModel, disposeModel, gpt2, selectBackend } from '@tesserae/core';
import { adamw, createTrainingStep } from '@tesserae/trainer';
import { obey } from '../peer/obey';
import { batch, shape } from './setting';

async function main(): Promise<void> {
  const backend = process.argv[2] ?? 'onnx';
  const selected = await selectBackend({ prefer: backend as 'onnx', log: false });
  if (selected.name !== backend) throw new Error(`the backend ${backend} is absent: ${JSON.stringify(selected.tried)}`);
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
    microBatchSize: Number(process.env.TESSERAE_BENCH_MICRO_BATCH ?? shape.batch),
    contextLength: shape.context,
    gradientClipNorm: 1,
    key: createKey(1),
  });
  disposeModel(model);
  const { inputIds, labels } = batch();
  let count = 0;
  await obey(async () => (await step.run({ inputIds, labels }, 3e-4, ++count)).loss);
  step.dispose();
  tf.disposeVariables();
}

void main();
