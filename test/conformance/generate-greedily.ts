import { createModel, disposeModel, generate, gpt2, llama } from '@tesserae/core';
import type { Model } from '@tesserae/core';

// Weights wide enough that the best token is clearly the best: rounding decides nothing.
const sizes = {
  vocabSize: 48,
  hiddenSize: 32,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  maxPositionEmbeddings: 32,
  initializerRange: 0.3,
};
const forms: Record<'gpt2' | 'llama', () => Model> = {
  gpt2: () => createModel(gpt2, sizes, { seed: 5 }) as unknown as Model,
  llama: () =>
    createModel(llama, { ...sizes, numKeyValueHeads: 2, intermediateSize: 64 }, { seed: 5 }) as unknown as Model,
};

/** Sixteen greedy tokens on the active backend. */
export async function generateGreedily(form: 'gpt2' | 'llama'): Promise<number[]> {
  const model = forms[form]();
  const tokens: number[] = [];
  for await (const { id } of generate(model, [1, 2, 3, 4], { maxNewTokens: 16, temperature: 0 })) tokens.push(id);
  disposeModel(model);
  return tokens;
}
