import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { llama, writeCheckpoint } from '@tesserae/core';
import type { SafetensorsDtype } from '@tesserae/core';
import { savePretrained } from '@tesserae/hub';
import { smallLlama, temporaryFolder } from '../models';

const MIB = 2 ** 20;
/** What Node itself moves about: its heap, read buffers, pages not given back yet. */
const SLACK = 48 * MIB;

/** About 100 million parameters: 400 MB in float32. */
const fields = {
  model_type: 'llama',
  vocab_size: 32_000,
  hidden_size: 768,
  intermediate_size: 2048,
  num_hidden_layers: 11,
  num_attention_heads: 12,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
};
const config = llama.configure({
  vocabSize: fields.vocab_size,
  hiddenSize: fields.hidden_size,
  intermediateSize: fields.intermediate_size,
  numHiddenLayers: fields.num_hidden_layers,
  numAttentionHeads: fields.num_attention_heads,
  maxPositionEmbeddings: fields.max_position_embeddings,
  tieWordEmbeddings: true,
});
const elementsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const specs = llama.parameters(config);
const largest = Math.max(...specs.map(({ shape }) => elementsOf(shape))) * 4;

/** The folder of such a model, its weights made one at a time. */
async function folderOf(dtype: SafetensorsDtype, maxShardBytes: number): Promise<string> {
  const folder = temporaryFolder();
  const tensors = specs.map(({ checkpointName: name, shape }) => {
    const values = (): Float32Array => new Float32Array(elementsOf(shape)).fill(0.5);
    return { name, shape, dtype, data: dtype === 'F64' ? () => Float64Array.from(values()) : values };
  });
  const beside = { 'config.json': Buffer.from(JSON.stringify(fields)) };
  await writeCheckpoint(folder, tensors, { maxShardBytes, beside });
  return folder;
}

let small: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  small = temporaryFolder();
  await savePretrained(smallLlama(), small);
});

describe('a checkpoint of 400 MB', () => {
  it.each<[SafetensorsDtype, number, string]>([
    ['F32', 5e9, 'cpu'],
    ['F16', 5e9, 'cpu'],
    ['BF16', 5e7, 'cpu'],
    ['F32', 5e9, 'onnx'],
    ['F16', 5e9, 'onnx'],
  ])('%s, files of at most %d bytes, on %s: takes the model and one tensor', async (dtype, shardBytes, backend) => {
    const folder = await folderOf(dtype, shardBytes);
    const program = [path.join(__dirname, 'child.ts'), folder, backend, small, path.join(folder, 'copy')];
    const out = execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', ...program], { encoding: 'utf8' });
    const { model, loading, saving } = JSON.parse(out) as Record<'model' | 'loading' | 'saving', number>;
    rmSync(folder, { recursive: true, force: true });
    const shown = Object.entries({ model, largest, loading, saving }).map(
      ([name, n]) => `${name} ${Math.round(n / MIB)} MiB`,
    );
    console.log(`${dtype} on ${backend}: ${shown.join(', ')}`);
    expect(loading).toBeLessThan(model + largest + SLACK);
    expect(saving).toBeLessThan(model + largest + SLACK);
  });
});
