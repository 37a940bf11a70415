import { createModel, disposeModel, gpt2 } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { applyChatTemplate, trainByteLevelBpe } from '@tesserae/tokenizer';
import { adamw, cosine, evaluate, instructionTuning, preference, preferenceAccuracy, train } from '@tesserae/trainer';
import type {
  EvaluationResult,
  PreferencePair,
  PreferenceSample,
  TrainingHistory,
  TrainOptions,
} from '@tesserae/trainer';
import { textGeneration } from '@tesserae/trainer';
import { generateAdvice } from 'tesserae';
import type { Advice } from 'tesserae';

/** What learning a preference did. */
export interface AdviceResult {
  readonly history: TrainingHistory;
  readonly figures: Readonly<Record<string, number>>;
}

const template =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.role == 'assistant' %}<end>{% endif %}{% endfor %}" +
  '{% if add_generation_prompt %}<assistant>{% endif %}';

/** Words of answers that name what they do not know; those of certain answers have none. */
const careful = /\b(may|might|could|perhaps|possibly|possible|not sure|cannot know|hard to say)\b/;

/**
 * Instruction tuning on careful and certain answers in equal parts, then preference for the careful ones; how often it then
 * prefers them on questions that it never saw, what it writes, and how far it went from where it was.
 */
export async function learnAdvice(seed: number): Promise<AdviceResult> {
  const advice = generateAdvice({ count: 2400, seed });
  const [tune, prefer, test] = [advice.slice(0, 1500), advice.slice(1500, 2200), advice.slice(2200)];
  const start = assistantFor(advice, seed);
  const { model: tuned } = await train(start, {
    data: tune.map((one, i) => [
      { role: 'user', content: one.question },
      { role: 'assistant', content: i % 2 === 0 ? one.careful : one.certain },
    ]),
    objective: instructionTuning(),
    ...rates(300, 3e-3),
    batchSize: 32,
    seed,
  });
  const learn = { reference: tuned, steps: 40, seed, data: pairsOf(prefer) };
  const half = await preferStep(tuned, learn);
  const whole = await preferStep(half.model, { ...learn, seed: seed + 1 });
  const judge = (model: Model, data: readonly Advice[]): Promise<Record<string, number>> =>
    scoresOf(
      evaluate(model, preferenceAccuracy({ data: pairsOf(data), reference: tuned }), { ...quiet, resamples: 0 }),
    );
  const [before, middle, after] = [
    await judge(tuned, test),
    await judge(half.model, test),
    await judge(whole.model, test),
  ];
  const [writtenBefore, writtenAfter] = [await write(tuned, test), await write(whole.model, test)];
  const divergence = await divergenceOf(whole.model, tuned, test, writtenAfter.answers);
  for (const one of [start, tuned, half.model, whole.model]) disposeModel(one);
  return {
    history: whole.history,
    figures: {
      preferenceAccuracy: after.accuracy,
      rewardMarginHalfway: middle.margin,
      rewardMargin: after.margin,
      rewardMarginGrowth: after.margin - middle.margin,
      carefulBefore: writtenBefore.careful,
      carefulAfter: writtenAfter.careful,
      rightConditionBefore: writtenBefore.right,
      rightConditionAfter: writtenAfter.right,
      chosenNatsPerTokenBefore: before.chosenLoss,
      chosenNatsPerTokenAfter: after.chosenLoss,
      divergenceNatsPerToken: divergence,
    },
  };
}

/** A small decoder with a tokenizer for the texts, and a chat template. */
function assistantFor(advice: readonly Advice[], seed: number): Model {
  const text = advice.map(({ question, careful: a, certain: b }) => `${question}\n${a}\n${b}`).join('\n');
  const tokenizer = trainByteLevelBpe(text, { vocabSize: 420, specialTokens: ['<end>', '<user>', '<assistant>'] });
  const size = { hiddenSize: 96, numHiddenLayers: 2, numAttentionHeads: 4, maxPositionEmbeddings: 80 };
  const eosTokenId = tokenizer.tokenToId('<end>')!;
  return createModel(
    gpt2,
    { ...size, vocabSize: tokenizer.vocabSize, eosTokenId, padTokenId: eosTokenId, ...still },
    { seed, tokenizer: { ...tokenizer, chatTemplate: { template, specialTokens: {} } } },
  ) as unknown as Model;
}

const still = { embeddingDropout: 0, residualDropout: 0, attentionDropout: 0 };
const quiet = { progress: false, batchSize: 50 } as const;

const rates = (
  steps: number,
  learningRate: number,
): Pick<TrainOptions, 'steps' | 'optimizer' | 'schedule' | 'progress'> => ({
  steps,
  optimizer: adamw({ beta2: 0.98, weightDecay: 0 }),
  schedule: cosine({
    learningRate,
    minimumLearningRate: learningRate / 10,
    warmupSteps: steps / 10,
    totalSteps: steps,
  }),
  progress: false,
});

const pairsOf = (advice: readonly Advice[]): PreferencePair[] =>
  advice.map(({ question, careful: chosen, certain: rejected }) => ({
    prompt: [{ role: 'user', content: question }],
    chosen,
    rejected,
  }));

interface PreferSetting {
  readonly reference: Model;
  readonly data: readonly PreferencePair[];
  readonly steps: number;
  readonly seed: number;
}

const preferStep = (model: Model, { reference, data, steps, seed }: PreferSetting): ReturnType<typeof train> =>
  train(model, {
    data,
    objective: preference({ beta: 0.1, reference }),
    ...rates(steps, 3e-5),
    batchSize: 16,
    seed,
  });

async function scoresOf(result: Promise<EvaluationResult>): Promise<Record<string, number>> {
  return Object.fromEntries(Object.entries((await result).metrics).map(([name, { value }]) => [name, value]));
}

/** What a model answers, drawn at temperature 1: the share of careful answers and of answers that name what it is. */
async function write(
  model: Model,
  test: readonly Advice[],
): Promise<{ answers: string[]; careful: number; right: number }> {
  const data = test.map(({ question, condition }) => ({ prompt: ask(model, question), references: condition }));
  const generation = { maxNewTokens: 40, temperature: 1, seed: 7 };
  const { samples } = await evaluate(model, textGeneration({ data, generation, postprocess }), {
    ...quiet,
    samples: true,
  });
  const answers = samples!.map(({ prediction }) => prediction);
  const share = (holds: (answer: string, i: number) => boolean): number =>
    answers.filter(holds).length / answers.length;
  return {
    answers,
    careful: share((answer) => careful.test(answer)),
    right: share((answer, i) => answer.includes(test[i].condition)),
  };
}

const postprocess = (text: string): string => text.replace('<end>', '').trim();

const ask = ({ tokenizer }: Model, question: string): string =>
  applyChatTemplate(tokenizer!, [{ role: 'user', content: question }], { addGenerationPrompt: true });

/** KL(policy‖reference) per token, by answers that the policy wrote: the mean of log π − log πref. */
async function divergenceOf(
  policy: Model,
  reference: Model,
  test: readonly Advice[],
  answers: readonly string[],
): Promise<number> {
  const data = pairsOf(test).map((pair, i) => ({ ...pair, chosen: answers[i] || '.', rejected: '-' }));
  const task = preferenceAccuracy({ data, reference, beta: 1 });
  const { samples } = await evaluate(policy, task, { ...quiet, samples: true, resamples: 0 });
  const total = (value: (one: PreferenceSample) => number): number =>
    samples!.reduce((sum, one) => sum + value(one), 0);
  return total(({ rewards: [chosen] }) => chosen) / total(({ chosenTokens }) => chosenTokens);
}
