/** Tesserae's side of the bench: the public `generate`, greedy. */
import { createModel, generate, llama, selectBackend } from '@tesserae/core';
import { newTokens, prompt, seed, shape } from './setting';
import { takeTurns } from './turns';

async function main(): Promise<void> {
  await selectBackend({ prefer: 'onnx', log: false });
  const model = createModel(llama, shape, { seed });
  await takeTurns(async () => {
    const ids: number[] = [];
    const start = performance.now();
    let first = start;
    for await (const { id } of generate(model, prompt(), { maxNewTokens: newTokens + 1, stopTokens: [] })) {
      if (ids.push(id) === 1) first = performance.now();
    }
    return { prefillMilliseconds: first - start, decodeMilliseconds: performance.now() - first, ids };
  });
}

void main();
