/** Writes the weights of the bench's model for llama.cpp and Transformers.js: `tsx weights.ts`. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createModel, llama, selectBackend } from '@tesserae/core';
import { flatten } from './flatten';
import { writeGguf } from './gguf';
import { writeOnnxFolder } from './onnxFolder';
import { folder, seed, shape } from './setting';

async function main(): Promise<void> {
  await selectBackend({ prefer: 'onnx', log: false });
  const model = createModel(llama, shape, { seed });
  const weights = flatten(model.params);
  mkdirSync(path.join(folder, 'transformersjs', 'onnx'), { recursive: true });
  writeOnnxFolder(path.join(folder, 'transformersjs'), model.config, weights);
  writeGguf(path.join(folder, 'model.gguf'), model.config, weights);
}

void main();
