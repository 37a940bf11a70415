import * as tf from '@tensorflow/tfjs-core';
import { causalLoss, classificationLoss, headLoss, labelLoss, spanLoss } from '@tesserae/core';
import type { ArchitectureConfig } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { use } from '../support/backends';

beforeAll(() => use('cpu'));

const logits = (): tf.Tensor => tf.tensor2d([[1, -2, 0.5], [0.25, 3, -1]]); // prettier-ignore
const targets = (): tf.Tensor => tf.tensor2d([[1, 0, 1], [0, 1, 0.5]]); // prettier-ignore
const value = (loss: tf.Tensor): number => loss.dataSync()[0];
const ints = (row: number[]): tf.Tensor => tf.tensor1d(row, 'int32');

/** Computed by torch. */
const torch = { single: 1.9168165922164917, multi: 0.4336758852005005, regression: 1.7604166269302368 };

describe('classificationLoss', () => {
  it('follows the type of the problem', () => {
    expect(value(classificationLoss(logits(), ints([2, 0]), 'single-label'))).toBeCloseTo(torch.single, 5);
    expect(value(classificationLoss(logits(), targets(), 'multi-label'))).toBeCloseTo(torch.multi, 5);
    expect(value(classificationLoss(logits(), targets(), 'regression'))).toBeCloseTo(torch.regression, 5);
  });

  it('takes the type from the labels as transformers does', () => {
    expect(value(classificationLoss(logits(), ints([2, 0])))).toBeCloseTo(torch.single, 5);
    expect(value(classificationLoss(logits(), targets()))).toBeCloseTo(torch.multi, 5);
    const one = tf.tensor2d([[1], [3]]);
    expect(value(classificationLoss(one, tf.tensor1d([0, 1])))).toBeCloseTo((1 + 4) / 2, 5);
  });

  it('refuses labels that do not fit', () => {
    expect(() => classificationLoss(logits(), tf.tensor1d([1]), 'regression')).toThrow(/E_SHAPE/);
    expect(() => classificationLoss(logits(), targets(), 'single-label')).toThrow(/E_DTYPE/);
  });
});

it('spanLoss ignores ends beyond the text', () => {
  const starts = [[1, -2, 0.5, 0], [0.25, 3, -1, 2]]; // prettier-ignore
  const ends = [[0, 1, 2, 3], [1, 1, 0, -1]]; // prettier-ignore
  const both = starts.map((row, b) => row.map((start, t) => [start, ends[b][t]]));
  expect(value(spanLoss(tf.tensor3d(both), ints([1, 3]), ints([2, 40])))).toBeCloseTo(1.98930025100708, 5);
});

it('causalLoss is labelLoss one place to the right', () => {
  const scores = tf.randomNormal([2, 3, 5], 0, 1, 'float32', 7);
  const labels = tf.tensor2d([[1, 2, -100], [3, 4, 0]], [2, 3], 'int32'); // prettier-ignore
  const moved = tf.tensor2d([[2, -100, -100], [4, 0, -100]], [2, 3], 'int32'); // prettier-ignore
  expect(value(causalLoss(scores, labels))).toBeCloseTo(value(labelLoss(scores, moved)), 6);
  expect(() => causalLoss(tf.zeros([1, 1, 5]), tf.zeros([1, 1], 'int32'))).toThrow(/E_SHAPE/);
});

describe('headLoss', () => {
  const config = (more: object): ArchitectureConfig => more as ArchitectureConfig;

  it('adds what the architecture adds, and leaves no tensors', () => {
    const output = { logits: logits(), auxiliaryLoss: tf.scalar(0.5) };
    const labels = ints([2, 0]);
    const before = tf.memory().numTensors;
    const loss = headLoss(config({ head: 'sequence-classification' }), output, { labels });
    expect(value(loss)).toBeCloseTo(torch.single + 0.5, 5);
    loss.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is missing', () => {
    const labels = ints([1]);
    expect(() => headLoss(config({ head: 'none' }), { logits: logits() }, { labels })).toThrow(/E_LABELS.*body/);
    expect(() => headLoss(config({ head: 'question-answering' }), { logits: logits() }, { labels })).toThrow(
      /E_LABELS.*startPositions/,
    );
    expect(() => headLoss(config({ head: 'masked-lm' }), { logits: logits() }, {})).toThrow(/E_LABELS.*no targets/);
  });
});
