import '@tensorflow/tfjs-backend-cpu';
import { disposeModel, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import { adamw, evaluate, preference, preferenceAccuracy, train } from '@tesserae/trainer';
import type { EvaluationTask, Objective, PreferencePair } from '@tesserae/trainer';
import { describeEvaluationContract, describeObjectiveContract } from '@tesserae/trainer/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoder, disposeLearners, encoderDecoder, letters, rowOf, rowsOf, settings } from './learners';

beforeAll(async () => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
});
afterAll(disposeLearners);

const data: PreferencePair[] = ['ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn', 'op'].map((prompt) => ({
  prompt,
  chosen: prompt[0],
  rejected: prompt[1] + prompt[1],
}));

for (const [loss, beta] of [
  ['sigmoid', 0.5],
  ['hinge', 0.5],
  ['ipo', 0.5],
] as const)
  describeObjectiveContract(
    { name: 'preference', create: () => preference({ loss, beta }), model: decoder, data, steps: 40 },
    { describe, it },
  );
describeEvaluationContract(
  { name: 'preference-accuracy', create: () => preferenceAccuracy({ data }), model: decoder },
  { describe, it },
);
describePluginContract<Objective>(preference, {
  describe,
  it,
  check: ({ prepare }) => expect(typeof prepare).toBe('function'),
});
describePluginContract<EvaluationTask>(preferenceAccuracy, {
  describe,
  it,
  options: [{ data }],
  check: ({ run }) => expect(typeof run).toBe('function'),
});

const options = { data, steps: 30, batchSize: 4, validationFraction: 0, progress: false } as const;
const optimizer = (): ReturnType<typeof adamw> => adamw({ learningRate: 0.01 });
const learn = (more: object = {}, model: Model = decoder()): ReturnType<typeof train> =>
  train(model, { ...options, optimizer: optimizer(), objective: preference({ beta: 0.5 }), ...more });

describe('preferences', () => {
  it('begin at log 2, where the policy is its reference, and are learned', async () => {
    const { model, history } = await learn();
    expect(history.steps[0].loss).toBeCloseTo(Math.log(2), 4);
    const task = preferenceAccuracy({ data, reference: decoder(), beta: 0.5 });
    const { metrics, samples } = await evaluate(model, task, { progress: false, samples: true });
    expect(metrics.accuracy.value).toBe(1);
    expect(metrics.margin.value).toBeCloseTo(metrics.chosenReward.value - metrics.rejectedReward.value, 6);
    expect(metrics.margin.value).toBeGreaterThan(1);
    expect(samples![0].chosenTokens).toBe(2); // the letter, and the end
    disposeModel(model);
  });

  it('hold the policy to another reference where one is given', async () => {
    const { model } = await learn({ steps: 10 });
    const { model: other, history } = await learn({ objective: preference({ beta: 0.5, reference: model }), steps: 1 });
    expect(Math.abs(history.steps[0].loss - Math.log(2))).toBeGreaterThan(0.05);
    disposeModel(model);
    disposeModel(other);
  });

  it('with a supervised part keep the chosen answers likely', async () => {
    const lossOf = async (supervisedWeight: number): Promise<number> => {
      const { model, history } = await learn({ objective: preference({ beta: 0.5, supervisedWeight }) });
      expect(Object.keys(history.steps[0].parts ?? {})).toEqual(
        supervisedWeight > 0 ? ['preference', 'supervised'] : [],
      );
      const { metrics } = await evaluate(model, preferenceAccuracy({ data }), { progress: false });
      disposeModel(model);
      return metrics.chosenLoss.value;
    };
    expect(await lossOf(1)).toBeLessThan(await lossOf(0));
  });

  it('put both answers and the scores of the reference into a row', async () => {
    const { sampler } = await preference().prepare(decoder(), data.slice(0, 2), settings(2));
    const batch = sampler(0);
    expect(batch.reference).toBeInstanceOf(Float32Array);
    const row = letters.decode(rowOf(batch.inputIds, 0, 2)).startsWith('ab') ? 0 : 1;
    const said = (name: string): string => letters.decode(rowOf(batch[name], row, 2).filter((id) => id !== -100));
    expect([said('chosenLabels'), said('rejectedLabels')]).toEqual(['a</s>', 'bb</s>']);
    const { samples } = await evaluate(decoder(), preferenceAccuracy({ data: data.slice(0, 2) }), {
      progress: false,
      samples: true,
    });
    const [chosen, rejected] = rowsOf(batch.reference, 2)[row];
    expect(chosen).toBeCloseTo(samples![0].chosen, 4);
    expect(rejected).toBeCloseTo(samples![0].rejected, 4);
  });

  it('read conversations by the chat template', async () => {
    const template =
      '{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}';
    const rows = data.map(({ prompt, ...answers }) => ({
      ...answers,
      prompt: [{ role: 'user', content: prompt as string }],
    }));
    const objective = preference({ chatTemplate: { template, specialTokens: {} } });
    const { sampler } = await objective.prepare(decoder(), rows.slice(0, 2), settings(2));
    const texts = rowsOf(sampler(0).rejectedIds, 2).map((ids) => letters.decode(ids).replaceAll('<pad>', ''));
    expect(texts.sort()).toEqual(['<u>ab<a>b', '<u>cd<a>d']); // the last letter is only said
  });

  it.each<[string, object, RegExp]>([
    ['the same answer twice', { prompt: 'a', chosen: 'b', rejected: 'b' }, /two answers of row 1 are the same/],
    [
      'answers that are the same where they are cut',
      { prompt: 'a', chosen: 'b'.repeat(60), rejected: 'b'.repeat(61) },
      /the same within 48 tokens/,
    ],
    ['one answer', { prompt: 'a', chosen: 'b' }, /row 1 has no prompt with two answers/],
    ['a prompt that fills the row', { prompt: 'a'.repeat(60), chosen: 'b', rejected: 'c' }, /leaves no place/],
  ])('refuse %s', async (_, row, message) => {
    const prepare = async (): Promise<unknown> => preference().prepare(decoder(), [data[0], row], settings(2));
    await expect(prepare).rejects.toThrow(message);
    await expect(prepare).rejects.toThrow('E_OBJECTIVE_DATA');
  });

  it('refuse an encoder, and stop when the signal comes', async () => {
    await expect(async () => preference().prepare(encoderDecoder(), data, settings(2))).rejects.toThrow(
      /E_OBJECTIVE_MODEL/,
    );
    await expect(learn({ signal: AbortSignal.abort() })).rejects.toThrow(/E_ABORTED/);
    const task = preferenceAccuracy({ data });
    await expect(evaluate(encoderDecoder(), task, { progress: false })).rejects.toThrow(/E_EVALUATION_MODEL/);
    expect(() => preferenceAccuracy({ data: [{ prompt: 'a', chosen: 'b', rejected: 'b' }] })).toThrow(
      /E_EVALUATION_DATA/,
    );
    expect(() => preferenceAccuracy({ data: [] })).toThrow(/E_EVALUATION_DATA/);
  });
});
