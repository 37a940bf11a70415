// A run that expects to be killed in the middle of an epoch: files read as they are needed, shuffled, mixed and augmented,
// and a model with dropout. In a watched run some texts are none, so that it goes back.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createModel, gpt2 } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { characterSwap, keyboardSlips, mix, readRows } from '@tesserae/trainer';
import { runKillable } from './killable-run';

const [, , , , result, prepareIn, watch] = process.argv;
const watched = watch === 'watched';

function file(name: string, rows: number): string {
  const place = path.join(path.dirname(result), name);
  const texts = Array.from({ length: rows }, (_, i) => ({
    text:
      watched && i === 34
        ? 'zxqjvkwpzzxq'.repeat(6)
        : `${name} ${'the cat sat on the mat '.slice(i % 7).repeat(1 + (i % 3))}`,
  }));
  writeFileSync(place, texts.map((row) => JSON.stringify(row)).join('\n')); // the same in every life
  return place;
}

void runKillable(process.argv.slice(2), () => {
  const data = mix([
    {
      source: readRows(file('new.jsonl', 70))
        .shuffle({ buffer: 25, seed: 1 })
        .augment([keyboardSlips(), characterSwap()]),
      weight: 3,
    },
    { source: readRows(file('old.jsonl', 40)).shuffle({ buffer: 10 }), weight: 1 },
  ]);
  const tokenizer = trainCharacterTokenizer('abcdefghijklmnopqrstuvwxyz .');
  const form = { vocabSize: 32, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
  return {
    start: createModel(gpt2, form, { seed: 1, tokenizer }) as unknown as Model,
    options: { data, prepareIn: prepareIn as 'main' | 'worker', batchSize: 3, evaluateEvery: 10 },
    watched,
  };
});
