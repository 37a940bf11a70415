import * as tf from '@tensorflow/tfjs-core';
import { bert, createModel, disposeModel, flattenParams, gpt2, selectBackend } from '@tesserae/core';
import { trainCharacterTokenizer, trainWordPiece } from '@tesserae/tokenizer';
import {
  adamw,
  causalLanguageModeling,
  createMultiTaskModel,
  evaluate,
  evaluateTasks,
  maskedLanguageModeling,
  multiTask,
  perplexity,
  sequenceClassification,
  taskModel,
  train,
} from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => selectBackend({ prefer: 'onnx', fallback: false, log: false }));

const size = { hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16, padTokenId: 0 };
const options = { batchSize: 8, optimizer: adamw({ learningRate: 0.01 }), progress: false } as const;

describe('a head that names hidden tokens', () => {
  const foods = ['warm tea', 'warm soup', 'cold ice', 'cold snow'];
  const tokenizer = trainWordPiece(foods.join('\n'), { vocabSize: 120, minFrequency: 1 });
  const rows = [
    ...foods.map((text) => ({ task: 'fill', text })),
    ...foods.map((text) => ({ task: 'cold', text: text.split(' ')[1], label: text.startsWith('cold') ? 1 : 0 })),
  ];
  const heads = { fill: { kind: 'masked-lm' }, cold: { kind: 'classification' } } as const;
  const tasks = { fill: maskedLanguageModeling({ maskProbability: 0.4 }), cold: sequenceClassification() };
  const trunkOf = () =>
    createModel(
      bert,
      {
        ...size,
        vocabSize: tokenizer.vocabSize,
        intermediateSize: 32,
        hiddenDropout: 0,
        attentionDropout: 0,
        initializerRange: 0.2,
        head: 'masked-lm',
      },
      { seed: 1, tokenizer },
    );

  it('learns beside a classifier, and is tried on masks', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads, { seed: 2 });
    const own = flattenParams(model.params).map(([path]) => path);
    expect(own.filter((path) => path.startsWith('heads.'))).toEqual([
      'heads.fill.bias',
      'heads.cold.weight',
      'heads.cold.bias',
    ]);
    const before = tf.memory().numTensors;
    const objective = multiTask({ tasks });
    const { model: trained, history } = await train(model, { ...options, data: rows, objective, steps: 150 });
    const [first, last] = [history.steps[0].parts!, history.steps.at(-1)!.parts!];
    for (const name of ['fill', 'cold']) expect(last[name]).toBeLessThan(first[name] / 2);
    const masked = foods.map((text) => ({ text: text.replace(/^\w+/, '[MASK]'), answers: [text.split(' ')[0]] }));
    const tests = { fill: { data: masked }, cold: { data: rows.slice(4) as never } };
    const { scores } = await evaluateTasks(trained, tests, { progress: false });
    expect(scores).toEqual({ fill: 1, cold: 1 });
    disposeModel(trained);
    expect(tf.memory().numTensors).toBe(before);
    [trunk, model].forEach(disposeModel);
  });

  it('leaves the loss of the task beside it as it is alone', async () => {
    const trunk = trunkOf();
    const model = createMultiTaskModel(trunk, heads, { seed: 2 });
    const lossOf = async (of: typeof model, more: object): Promise<Record<string, number>> => {
      const { history, model: trained } = await train(of, { ...options, data: rows, steps: 1, ...more });
      disposeModel(trained);
      return { loss: history.steps[0].loss, ...history.steps[0].parts };
    };
    const both = await lossOf(model, { objective: multiTask({ tasks }) });
    const alone = await lossOf(taskModel(model, 'cold'), { objective: tasks.cold, data: rows.slice(4), batchSize: 4 });
    expect(both.cold).toBeCloseTo(alone.loss, 5);
    expect(both.fill).toBeGreaterThan(0);
    [trunk, model].forEach(disposeModel);
  });

  it('wants the table of embeddings, and no number of labels', () => {
    const trunk = trunkOf();
    const wide = { kind: 'masked-lm', numLabels: 9 } as const;
    expect(() => createMultiTaskModel(trunk, { fill: wide })).toThrow('the head fill names tokens and has 9 labels');
    const base = { ...trunk.architecture, parameters: () => [] };
    expect(() => createMultiTaskModel({ ...trunk, architecture: base }, heads)).toThrow(
      /E_OPTION: the head fill needs a table of embeddings \[\d+,16\], and the trunk has none/,
    );
    disposeModel(trunk);
  });
});

describe('a head that names the next tokens', () => {
  it('stands beside others on a decoder', async () => {
    const tokenizer = trainCharacterTokenizer('abcdefgh');
    const config = {
      ...size,
      vocabSize: tokenizer.vocabSize,
      embeddingDropout: 0,
      residualDropout: 0,
      attentionDropout: 0,
    };
    const trunk = createModel(gpt2, config, { seed: 1, tokenizer });
    const model = createMultiTaskModel(trunk, { write: { kind: 'causal-lm' }, late: { kind: 'classification' } });
    const texts = ['abcdefgh', 'bcdefgh', 'defgh', 'abcd', 'cdefg', 'efgh'];
    const data = [
      ...texts.map((text) => ({ task: 'write', text })),
      ...texts.map((text) => ({ task: 'late', text, label: text.startsWith('a') ? 0 : 1 })),
    ];
    const tasks = { write: causalLanguageModeling(), late: sequenceClassification() };
    const result = await train(model, { ...options, data, objective: multiTask({ tasks }), steps: 120 });
    const view = taskModel(result.model, 'write');
    const { metrics } = await evaluate(view, perplexity({ data: ['abcdefgh', 'cdefgh'] }), { progress: false });
    expect(metrics.perplexity.value).toBeLessThan(1.5); // eight before
    await expect(evaluateTasks(result.model, { write: { data: [] } })).rejects.toThrow("taskModel(model, 'write')");
    const plain = await evaluate(trunk, perplexity({ data: ['abcdefgh', 'cdefgh'] }), { progress: false });
    expect(plain.metrics.perplexity.value).toBeGreaterThan(5);
    [result.model, model, trunk].forEach(disposeModel);
  });
});
