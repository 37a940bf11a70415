// A thousand steps after 300 to warm up, in a process of their own; prints resident memory and the number of tensors on the way.
import * as tf from '@tensorflow/tfjs-core';
import { createModel, gpt2, selectBackend } from '@tesserae/core';
import { train } from '@tesserae/trainer';

async function main(): Promise<void> {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
  const form = {
    vocabSize: 4096,
    hiddenSize: 128,
    numHiddenLayers: 2,
    numAttentionHeads: 2,
    maxPositionEmbeddings: 32,
  };
  const still = { embeddingDropout: 0, residualDropout: 0, attentionDropout: 0 };
  await train(createModel(gpt2, { ...form, ...still }), {
    data: Int32Array.from({ length: 5000 }, (_, i) => (i * i) % 4096),
    steps: 1300,
    batchSize: 4,
    progress: false,
    callbacks: {
      onStep: ({ step }) => {
        if (step % 100 !== 0) return;
        globalThis.gc?.();
        const { rss, heapTotal, heapUsed } = process.memoryUsage();
        const resident = rss - heapTotal + heapUsed; // without the room that the engine keeps free in its heap
        console.log(JSON.stringify({ step, resident, tensors: tf.memory().numTensors }));
      },
    },
  });
}
void main();
