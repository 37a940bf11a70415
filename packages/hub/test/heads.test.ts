import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { disposeModel, llama } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { loadPretrained, savePretrained } from '@tesserae/hub';
import { beforeAll, describe, expect, it } from 'vitest';
import { smallLlama, temporaryFolder } from './models';

beforeAll(() => tf.setBackend('cpu'));

/** Checkpoints of transformers 5.18 with random weights, and what its classes make of them. */
const fixtures = path.join(__dirname, 'fixtures/heads');

interface Expected {
  ids: number[][];
  mask: number[][];
  shape: number[];
  out: number[];
}

describe.each(readdirSync(fixtures))('%s', (name) => {
  const folder = path.join(fixtures, name);

  it.each(['config.json', 'config.v5.json'])('gives what transformers gives, by %s', async (configFile) => {
    const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Expected;
    const model = await loadPretrained(folder, { configFile });
    expect(model.config.head).toBe(name.split('-').slice(1).join('-'));
    const inputs = {
      inputIds: tf.tensor2d(expected.ids, undefined, 'int32'),
      attentionMask: tf.tensor2d(expected.mask),
    };
    const { logits } = model.architecture.forward(model.params, inputs, { config: model.config });
    expect(logits.shape).toEqual(expected.shape);
    const found = logits.dataSync();
    const [rows, time, perToken = 0] = expected.shape;
    expected.out.forEach((value, i) => {
      const real = perToken === 0 || expected.mask[Math.floor(i / (time * perToken))][Math.floor(i / perToken) % time];
      if (real) expect(found[i]).toBeCloseTo(value, 4);
    });
    expect(rows).toBe(expected.ids.length);
    tf.dispose([logits, ...Object.values(inputs)]);
    disposeModel(model);
  });

  it('goes out as it came in', async () => {
    const model = await loadPretrained(folder);
    const copy = temporaryFolder();
    await savePretrained(model, copy);
    const [before, after] = [folder, copy].map((one) => readFileSync(path.join(one, 'config.json'), 'utf8'));
    expect(after).toBe(before);
    const again = await loadPretrained(copy);
    expect(again.config).toEqual(model.config);
    disposeModel(model);
    disposeModel(again);
  });
});

describe('a head that was put on here', () => {
  it('is written as the class that has it, with its labels', async () => {
    const model = smallLlama({ head: 'sequence-classification', numLabels: 3, problemType: 'multi-label' });
    const folder = temporaryFolder();
    await savePretrained(model, folder);
    const json = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(json).toMatchObject({
      architectures: ['LlamaForSequenceClassification'],
      id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' },
      problem_type: 'multi_label_classification',
    });
    const again = (await loadPretrained(folder)) as Model;
    expect(again.config).toMatchObject({ head: 'sequence-classification', numLabels: 3, problemType: 'multi-label' });
    expect(again.architecture).toBe(llama);
    disposeModel(model as unknown as Model);
    disposeModel(again);
  });
});
