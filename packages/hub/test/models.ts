import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createModel, flattenParams, gpt2, llama } from '@tesserae/core';
import type { Gpt2Config, LlamaConfig, Model } from '@tesserae/core';
import { isTesseraeError } from '@tesserae/registry';
import { expect } from 'vitest';
import type * as tf from '@tensorflow/tfjs-core';

export const golden = (name: string): string => path.join(__dirname, '../../../test/golden', name);

export const temporaryFolder = (): string => mkdtempSync(path.join(tmpdir(), 'tesserae-hub-'));

const size = { vocabSize: 13, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 16 };

export const smallGpt2 = (more: Partial<Gpt2Config> = {}): Model<Gpt2Config> =>
  createModel(gpt2, { ...size, ...more }, { seed: 3 });

export const smallLlama = (more: Partial<LlamaConfig> = {}): Model<LlamaConfig> =>
  createModel(llama, { ...size, intermediateSize: 12, ...more }, { seed: 3 });

/** All values by path. */
export const valuesOf = <C>(model: Model<C>): Record<string, number[]> =>
  Object.fromEntries(flattenParams(model.params).map(([at, weight]) => [at, [...(weight as tf.Tensor).dataSync()]]));

/** The code and message of what a promise throws. */
export async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  return promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => {
      if (!isTesseraeError(error)) throw error;
      return { code: error.code, message: error.message };
    },
  );
}
