import * as tf from '@tensorflow/tfjs-core';
import {
  bart,
  bert,
  chunkedCrossEntropy,
  createKey,
  createModel,
  crossEntropy,
  disposeModel,
  distilbert,
  flattenParams,
  gemma2,
  gpt2,
  gptNeox,
  llama,
  mapParams,
  marian,
  mixtral,
  roberta,
  t5,
  withPrecision,
} from '@tesserae/core';
import type { Architecture, ForwardOptions, Model, Precision, Recompute } from '@tesserae/core';
import { expect, it } from 'vitest';
import { describeOnBackends, use } from '../support/backends';

const size = { vocabSize: 19, hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
const inner = { ...size, intermediateSize: 24 };

const decodes = { head: 'sequence-to-sequence', decoderStartTokenId: 0, padTokenId: 0 } as const;

const models: Record<string, () => Model> = {
  gpt2: () => make(gpt2, { ...size, attentionDropout: 0.2, residualDropout: 0.2, embeddingDropout: 0.2 }),
  llama: () => make(llama, { ...inner, numKeyValueHeads: 1, attentionDropout: 0.2 }),
  gemma2: () => make(gemma2, { ...inner, numKeyValueHeads: 1, headDim: 8 }),
  'gpt-neox': () => make(gptNeox, { ...inner, hiddenDropout: 0.2, attentionDropout: 0.2 }),
  bert: () => make(bert, { ...inner, head: 'masked-lm', hiddenDropout: 0.2, attentionDropout: 0.2 }),
  roberta: () => make(roberta, { ...inner, maxPositionEmbeddings: 12, padTokenId: 1, head: 'masked-lm' }),
  distilbert: () => make(distilbert, { ...inner, head: 'masked-lm', hiddenDropout: 0.2 }),
  t5: () => make(t5, { ...inner, headDim: 8, dropout: 0.2, ...decodes }),
  bart: () => make(bart, { ...inner, dropout: 0.2, attentionDropout: 0.2, ...decodes }),
  marian: () => make(marian, { ...inner, dropout: 0.2, ...decodes }),
};

function make<C>(architecture: Architecture<C>, config: Partial<C>): Model {
  return createModel(architecture as never, config as never, { seed: 4 }) as unknown as Model;
}

/** Loss and gradients of all parameters, in training. */
function learn(model: Model, options: Partial<ForwardOptions>, precision: Precision = 'float32'): tf.Tensor[] {
  const inputIds = tf.tensor2d([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [2, 5], 'int32');
  const attentionMask = tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [2, 5], 'int32');
  const inputs = { inputIds, attentionMask, ...(model.architecture.encode && { decoderInputIds: inputIds }) };
  const labels = tf.tensor1d([1, 4, 1, 5, -100, 2, 6, 5, 3, 5], 'int32');
  const leaves = flattenParams(model.params) as [string, tf.Tensor][];
  const loss = (tensors: tf.Tensor[]): tf.Scalar => {
    const params = mapParams(model.params, (_weight, path) => tensors[leaves.findIndex(([at]) => at === path)]);
    const output = model.architecture.forward(params, inputs, {
      config: model.config,
      training: true,
      key: createKey(7),
      ...options,
    });
    const flat = tf.reshape(output.logits, [10, -1]);
    const { outputLayer } = output;
    return outputLayer
      ? chunkedCrossEntropy(flat, labels, { ...outputLayer, chunkRows: 4 })
      : (crossEntropy(flat, labels) as tf.Scalar);
  };
  return withPrecision(precision, () => {
    const tensors = leaves.map(([, tensor]) => tensor);
    const { value, grads } = tf.engine().gradients(() => loss(tensors), tensors, undefined, true);
    return [value, ...grads];
  });
}

function expectSame(found: tf.Tensor[], wanted: tf.Tensor[], tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((tensor, i) => {
    const far = tf.div(tf.max(tf.abs(tf.sub(found[i], tensor))), tf.maximum(tf.max(tf.abs(tensor)), 1e-6));
    expect(far.dataSync()[0], `result ${i}`).toBeLessThan(tolerance);
  });
}

await describeOnBackends('models', (backend) => {
  for (const [name, create] of Object.entries(models)) {
    it(`${name}: layers that run again have the same gradients, under the same dropout`, async () => {
      await use(backend);
      const model = create();
      tf.tidy(() => {
        const wanted = learn(model, {});
        for (const recompute of ['blocks', ['attention'], ['feedForward'], ['attention', 'feedForward']] as Recompute[])
          expectSame(learn(model, { recompute }), wanted, 1e-5);
      });
      disposeModel(model);
    });

    it(`${name}: the output layer in chunks gives the same loss and gradients`, async () => {
      await use(backend);
      const model = create();
      tf.tidy(() => expectSame(learn(model, { logits: 'none', recompute: 'blocks' }), learn(model, {}), 1e-5));
      disposeModel(model);
    });
  }

  it('run again in the precision that they ran in first', async () => {
    await use(backend);
    const model = models.llama();
    tf.tidy(() => {
      const wanted = learn(model, {}, 'bfloat16');
      expectSame(learn(model, { recompute: 'blocks' }, 'bfloat16'), wanted, 0.02);
      expect(() => expectSame(learn(model, {}), wanted, 1e-4)).toThrow();
    });
    disposeModel(model);
  });

  it('do not run whole layers again whose routers are part of the loss', async () => {
    await use(backend);
    const model = make(mixtral, { ...inner, numLocalExperts: 2, outputRouterLogits: true });
    tf.tidy(() => {
      expect(() => learn(model, { recompute: 'blocks' })).toThrow('E_OPTION: mixtral: layers whose routers');
      expectSame(learn(model, { recompute: ['attention'] }), learn(model, {}), 1e-5);
    });
    disposeModel(model);
  });
});
