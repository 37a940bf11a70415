import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inNode } from './in-node';
import { requireBuild } from './packages';

/** Trains from a file, prepared in this thread and in a worker, by what `load` gives. */
const script = (load: string, file: string): string => `
  (async () => {
    await ${load}('@tensorflow/tfjs-backend-cpu');
    const { createModel, gpt2 } = await ${load}('@tesserae/core');
    const { trainCharacterTokenizer } = await ${load}('@tesserae/tokenizer');
    const { keyboardSlips, readRows, train } = await ${load}('@tesserae/trainer');
    const tokenizer = trainCharacterTokenizer('abcdefghijklmnopqrstuvwxyz ');
    const form = { vocabSize: 32, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
    const losses = async (prepareIn) => {
      const data = readRows(${JSON.stringify(file)}).shuffle({ buffer: 5 }).augment(keyboardSlips());
      const model = createModel(gpt2, form, { seed: 1, tokenizer });
      const { history } = await train(model, { data, steps: 5, batchSize: 2, prepareIn, progress: false });
      return history.steps.map(({ loss }) => loss);
    };
    process.stdout.write(JSON.stringify([await losses('main'), await losses('worker')]));
  })();
`;

describe('data prepared in a worker', () => {
  it.each(['require', 'import'])('gives the losses of data prepared in the thread, through %s', (load) => {
    requireBuild('@tesserae/trainer');
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'worker-')), 'rows.jsonl');
    const rows = Array.from({ length: 20 }, (_, i) =>
      JSON.stringify({ text: `the cat sat ${'again '.repeat(i % 3)}` }),
    );
    writeFileSync(file, rows.join('\n'));
    const [main, worker] = inNode<number[][]>(script(load, file));
    expect(main!.length).toBe(5);
    expect(worker).toEqual(main);
  });
});
