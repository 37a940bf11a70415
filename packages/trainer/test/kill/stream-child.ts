// A run that expects to be killed in the middle of an epoch: files read as they are needed, shuffled, mixed and augmented,
// and a model with dropout; it resumes from whatever it finds, and writes the losses down.
import '@tensorflow/tfjs-backend-cpu';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createModel, flattenParams, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainCharacterTokenizer } from '@tesserae/tokenizer';
import { adamw, characterSwap, keyboardSlips, mix, readRows, train } from '@tesserae/trainer';
import type { KillResult } from './child';

async function main(backend: string, folder: string, result: string, prepareIn: 'main' | 'worker'): Promise<void> {
  await selectBackend({ prefer: backend as never, log: false, fallback: false });
  const file = (name: string, rows: number): string => {
    const place = path.join(path.dirname(result), name);
    const texts = Array.from({ length: rows }, (_, i) => ({
      text: `${name} ${'the cat sat on the mat '.slice(i % 7).repeat(1 + (i % 3))}`,
    }));
    writeFileSync(place, texts.map((row) => JSON.stringify(row)).join('\n')); // the same in every life
    return place;
  };
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
  const start = createModel(gpt2, form, { seed: 1, tokenizer }) as unknown as Model;
  const { model, history } = await train(start, {
    data,
    prepareIn,
    steps: 160,
    batchSize: 3,
    optimizer: adamw({ learningRate: 0.02 }),
    evaluateEvery: 20,
    checkpoint: { folder, every: 3 },
    resume: true,
    progress: false,
    callbacks: {
      onStep: () => void process.stdout.write('.'),
      onWarning: ({ message }) => {
        throw new Error(message);
      },
    },
  });
  const hash = createHash('sha256');
  for (const [name, tensor] of flattenParams(model.params))
    hash.update(name).update((tensor as never as { dataSync(): Float32Array }).dataSync());
  const losses = history.steps.map(({ loss }) => loss);
  const written: KillResult = { losses, parameters: hash.digest('hex'), resumedFrom: history.resumedFrom?.step ?? 0 };
  writeFileSync(result, JSON.stringify(written));
}

const [backend, folder, result, prepareIn] = process.argv.slice(2);
void main(backend, folder, result, prepareIn as 'main' | 'worker');
