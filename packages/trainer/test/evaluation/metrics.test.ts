import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  accuracy,
  bleu,
  bootstrapStandardError,
  calibrationError,
  chrf,
  confusionMatrix,
  exactMatch,
  f1Score,
  matthewsCorrelation,
  ndcgAtK,
  normalizeAnswer,
  pearsonCorrelation,
  recallAtK,
  reciprocalRank,
  rouge,
  spanF1,
  spansOf,
  spearmanCorrelation,
  tokenF1,
} from '@tesserae/trainer';
import type { F1Average } from '@tesserae/trainer';
import { describe, expect, it } from 'vitest';

/** Made by sacrebleu 2.6.0, scikit-learn 1.9.1, scipy 1.17.1, torchmetrics 1.9.0 and transformers 5.18. */
const reference = JSON.parse(readFileSync(path.join(import.meta.dirname, 'reference-metrics.json'), 'utf8'));

const near = (found: number, wanted: number): void => expect(Math.abs(found - wanted)).toBeLessThan(1e-8);
const allNear = (found: readonly number[], wanted: readonly number[]): void => {
  expect(found.length).toBe(wanted.length);
  found.forEach((value, i) => near(value, wanted[i]));
};

describe('text metrics', () => {
  const { text } = reference;
  const { predictions, references } = text as { predictions: string[]; references: string[][] };
  const first = references.map(([one]) => one);

  it.each([
    ['bleu', references, {}],
    ['bleuSingle', first, {}],
    ['bleuLower', first, { lowercase: true }],
    ['bleuNone', first, { tokenize: 'none' }],
    ['bleuChar', first, { tokenize: 'char' }],
  ] as const)('%s is that of sacrebleu', (name, against, options) => {
    const { score, precisions, ...rest } = bleu(predictions, against, options);
    near(score, text[name].score);
    allNear(precisions, text[name].precisions);
    near(rest.brevityPenalty, text[name].brevityPenalty);
    expect([rest.predictionLength, rest.referenceLength]).toEqual([
      text[name].predictionLength,
      text[name].referenceLength,
    ]);
  });

  it('BLEU of few or single sentences, smoothed in each way, is that of sacrebleu', () => {
    const few = [predictions.slice(0, 2), first.slice(0, 2)] as const;
    near(bleu(...few, { smoothing: 'floor' }).score, text.bleuFloor.score);
    near(bleu(...few, { smoothing: 'add-k' }).score, text.bleuAddK.score);
    const single = (effectiveOrder: boolean): number[] =>
      predictions.map((one, i) => bleu([one], [references[i]], { effectiveOrder }).score);
    allNear(single(true), text.sentences);
    allNear(single(false), text.sentencesExp);
  });

  it('chrF and chrF++ are those of sacrebleu', () => {
    near(chrf(predictions, references), text.chrf);
    near(chrf(predictions, references, { wordOrder: 2 }), text.chrfPlusPlus);
    near(chrf(predictions, first, { lowercase: true, whitespace: true }), text.chrfLower);
    allNear(
      predictions.map((one, i) => chrf([one], [references[i]], { wordOrder: 1, beta: 3 })),
      text.chrfSentences,
    );
  });

  it('ROUGE is that of torchmetrics', () => {
    (text.rougePredictions as string[]).forEach((one, i) => {
      const scores = rouge([one], [text.rougeReferences[i]]);
      for (const name of ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const) {
        expect(scores[name].f1, `${name} of ${i}`).toBeCloseTo(text.rouge[i][`${name}_fmeasure`], 6);
        expect(scores[name].precision).toBeCloseTo(text.rouge[i][`${name}_precision`], 6);
        expect(scores[name].recall).toBeCloseTo(text.rouge[i][`${name}_recall`], 6);
      }
    });
    const mean = rouge(text.rougePredictions, text.rougeReferences).rougeL.f1;
    expect(mean).toBeCloseTo(
      text.rouge.reduce((sum: number, one: Record<string, number>) => sum + one.rougeL_fmeasure, 0) / text.rouge.length,
      6,
    );
    expect(rouge(['b'], [['a', 'b']]).rouge1.f1).toBe(1);
  });

  it('exact match and token F1 are those of SQuAD', () => {
    const { squad } = reference;
    expect((squad.references as string[]).map(normalizeAnswer)).toEqual(squad.normalized);
    (squad.predictions as string[]).forEach((one, i) => {
      expect(exactMatch(one, squad.references[i])).toBe(squad.em[i]);
      near(tokenF1(one, squad.references[i]), squad.f1[i]);
    });
    expect([exactMatch('x', ['y', 'the X']), tokenF1('x y', ['y', 'x y'])]).toEqual([1, 1]);
  });
});

describe('classification metrics', () => {
  it.each([0, 1])('are those of scikit-learn (%i)', (i) => {
    const one = reference.classification[i];
    const { predictions, labels } = one;
    near(accuracy(predictions, labels), one.accuracy);
    near(matthewsCorrelation(predictions, labels), one.mcc);
    expect(confusionMatrix(predictions, labels)).toEqual({ labels: one.classes, counts: one.confusion });
    for (const average of ['macro', 'micro', 'weighted', 'binary'] as F1Average[]) {
      if (one[average] === undefined) continue;
      const { precision, recall, f1, perClass } = f1Score(predictions, labels, { average });
      allNear([precision, recall, f1], one[average]);
      perClass.forEach((found, k) =>
        allNear([found.precision, found.recall, found.f1, found.support], one.perClass[k]),
      );
    }
  });

  it('correlations are those of scipy', () => {
    const { x, y, pearson, spearman } = reference.correlation;
    near(pearsonCorrelation(x, y), pearson);
    near(spearmanCorrelation(x, y), spearman);
    expect(pearsonCorrelation([1, 2], [3, 3])).toBeNaN();
  });

  it('calibration error is that of torchmetrics', () => {
    const { confidences, correct, ece, mce } = reference.calibration;
    const { expected, maximum, bins } = calibrationError(confidences, correct);
    near(expected, ece);
    near(maximum, mce);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(confidences.length);
  });

  it('span F1 is that of seqeval', () => {
    const right = [
      ['O', 'O', 'O', 'B-MISC', 'I-MISC', 'I-MISC', 'O'],
      ['B-PER', 'I-PER', 'O'],
    ];
    const found = [
      ['O', 'O', 'B-MISC', 'I-MISC', 'I-MISC', 'I-MISC', 'O'],
      ['B-PER', 'I-PER', 'O'],
    ];
    expect(spanF1(found, right)).toMatchObject({ precision: 0.5, recall: 0.5, f1: 0.5 });
    expect(spanF1(found, right, 'macro').perType).toMatchObject([
      { label: 'MISC', f1: 0, support: 1 },
      { label: 'PER', f1: 1, support: 1 },
    ]);
    expect(spansOf(['I-A', 'I-A', 'I-B', 'E-B', 'I-B', 'S-C', 'B-C', 'B-C', 'O', 'I-C'])).toEqual([
      { type: 'A', start: 0, end: 1 }, // IOB1: a span may begin with I
      { type: 'B', start: 2, end: 3 },
      { type: 'B', start: 4, end: 4 },
      { type: 'C', start: 5, end: 5 },
      { type: 'C', start: 6, end: 6 },
      { type: 'C', start: 7, end: 7 },
      { type: 'C', start: 9, end: 9 },
    ]);
  });
});

describe('retrieval metrics', () => {
  it('are those of scikit-learn and torchmetrics', () => {
    const { rankings, gains, ndcg5, ndcg, recall3, rr } = reference.retrieval;
    rankings.forEach((ranking: number[], i: number) => {
      const graded = new Map<number, number>(gains[i].map((gain: number, d: number) => [d, gain]));
      near(ndcgAtK(ranking, graded, 5), ndcg5[i]);
      near(ndcgAtK(ranking, graded, 12), ndcg[i]);
      expect(recallAtK(ranking, graded, 3)).toBeCloseTo(recall3[i], 6);
      const good = [...graded].filter(([, gain]) => gain > 1).map(([document]) => document);
      expect(reciprocalRank(ranking, good)).toBeCloseTo(rr[i], 6);
    });
    expect(reciprocalRank(['a', 'b'], ['b'], 1)).toBe(0);
  });
});

describe('bootstrap', () => {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

  it('gives the standard error of a mean, the same every time', () => {
    const values = Array.from({ length: 200 }, (_, i) => Math.sin(i * 12.9898) * 3);
    const centre = mean(values);
    const exact = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) / values.length);
    const found = bootstrapStandardError(values, mean, { resamples: 2000 });
    expect(Math.abs(found / exact - 1)).toBeLessThan(0.06);
    expect(bootstrapStandardError(values, mean, { resamples: 2000 })).toBe(found);
    expect(bootstrapStandardError(values, mean, { resamples: 2000, seed: 1 })).not.toBe(found);
    expect(bootstrapStandardError([1], mean)).toBeNaN();
  });
});

describe('metrics refuse', () => {
  const error = (call: () => unknown): string => {
    try {
      call();
    } catch (thrown) {
      return (thrown as Error).message;
    }
    return 'nothing was thrown';
  };

  it.each<[() => unknown, RegExp]>([
    [() => accuracy([1], [1, 2]), /\[trainer\/accuracy\] E_METRIC_INPUT: .*1 predictions and 2 labels/],
    [() => accuracy([], []), /there are no predictions/],
    [() => accuracy(null as never, [1]), /predictions is no list but null/],
    [() => confusionMatrix(['x'], ['y'], ['y']), /the class "x" is not among/],
    [() => f1Score([0, 1, 2], [0, 1, 2], { average: 'binary' }), /for two classes, found 3/],
    [() => f1Score(['a', 'b'], ['a', 'b'], { average: 'binary' }), /positive label 1 is neither/],
    [() => f1Score([1], [1], { average: 'mean' as never }), /no average "mean"/],
    [() => bleu(['a'], [[]]), /references of sample 0/],
    [() => bleu([1 as never], ['a']), /prediction 0 is number/],
    [() => bleu(['a'], ['a'], { tokenize: 'zh' as never }), /no tokenizer "zh"/],
    [() => bleu(['a'], ['a'], { smoothing: 'x' as never }), /no smoothing "x"/],
    [() => bleu(['a'], ['a'], { maxOrder: 0 }), /maxOrder is 0/],
    [() => spanF1([['O']], [['O', 'O']]), /1 predicted tags and 2/],
    [() => recallAtK(['a'], [], 1), /nothing is relevant/],
    [() => ndcgAtK(['a'], ['a'], 0), /k is 0/],
    [() => calibrationError([1.2], [true]), /confidence 0 is 1.2/],
    [() => calibrationError([0.5], [true], 0), /bins is 0/],
    [() => bootstrapStandardError([], () => 0), /no samples/],
  ])('%s', (call, message) => expect(error(call)).toMatch(message));
});
