/** Runs kernels that find no memory for their scratch (see nativeMemory.test.ts), then one that needs none. */
import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';

const run = (name: string, inputs: Record<string, tf.Tensor>, attributes: object): void => {
  try {
    tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap);
    console.log(`${name}: ran`);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    console.log(`${name}: ${code} ${/not enough memory/.test(message)}`);
  }
};

async function main(): Promise<void> {
  await useOnnx();
  const heads = tf.ones([1, 2, 64, 64]);
  const [query, key, value] = [heads, heads, heads];
  run('Linear', { x: tf.ones([256, 256]), weight: tf.ones([256, 256]) }, { outIn: true });
  run('Attention', { query, key, value }, { scale: 1, causal: true });
  const bias = tf.zeros([1, 1, 1, 64]);
  run('Attention', { query, key, value, bias }, { scale: 1, causal: true });
  const lse = tf.zeros([1, 2, 64]);
  const gradients = { gradient: heads, query, key, value, output: heads, extra0: lse };
  run('AttentionGradient', gradients, { scale: 1, causal: true });
  run('Linear', { x: tf.ones([1, 256]), weight: tf.ones([256, 256]) }, { outIn: true });
}

void main();
