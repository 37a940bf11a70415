import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required } from '../../options';
import type { OptionRule } from '../../options';
import { badData, checkIds, checkList, requireHead, tokenizerOf } from '../evaluation-errors';
import { positionsOf } from '../forward/positions';
import { continuationRow, scoreLabels } from '../forward/score-labels';
import type { LabelledRow } from '../forward/score-labels';
import type { EvaluationTask } from '../task';

/** A question with its answers. */
export interface Question {
  readonly prompt: string;
  readonly choices: readonly string[];
  /** Which choice is right, counted from 0. */
  readonly answer: number;
}

/** Options of {@link multipleChoice}. */
export interface MultipleChoiceOptions {
  readonly data: readonly Question[];
  /** What stands between a prompt and a choice: a space. */
  readonly delimiter?: string;
}

/** One question, as the model sees it. */
export interface MultipleChoiceSample {
  /** log p(choice | prompt) of each choice, in nats. */
  readonly logLikelihoods: readonly number[];
  /** The most likely choice. */
  readonly choice: number;
  /** The most likely one when each log-likelihood is divided by the choice's length in characters. */
  readonly normalizedChoice: number;
  readonly answer: number;
}

/**
 * Questions with several answers, of which the model takes the likeliest.
 *
 * `accuracy` takes argmaxᵢ log p(choiceᵢ | prompt), `accuracyNormalized` argmaxᵢ log p(choiceᵢ | prompt) / |choiceᵢ| with
 * the length in characters, which does not favour short answers.
 *
 * @param options questions, and what stands between prompt and choice
 * @returns the task: `accuracy`, `accuracyNormalized`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: `acc` and `acc_norm` of EleutherAI's lm-evaluation-harness, also in how prompt and choice are cut into tokens:
 * the choice's tokens are those that the prompt's own tokens leave of the whole.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { evaluate, multipleChoice } from '@tesserae/trainer';
 * const tokenizer = trainCharacterTokenizer('which is red? apple grass');
 * const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 32 };
 * const model = createModel(gpt2, config, { seed: 1, tokenizer });
 * const task = multipleChoice({ data: [{ prompt: 'which is red?', choices: ['apple', 'grass'], answer: 0 }] });
 * const { samples } = await evaluate(model, task, { progress: false, samples: true });
 * console.log(samples?.[0].logLikelihoods.length); // → 2
 * disposeModel(model);
 * ```
 */
export const multipleChoice: Plugin<
  'evaluation',
  'multiple-choice',
  (options: MultipleChoiceOptions) => EvaluationTask<MultipleChoiceSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'multiple-choice',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Questions with several answers, of which the model takes the likeliest',
  create: createMultipleChoice,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:multiple-choice': typeof multipleChoice;
  }
}

const anything: OptionRule = { expected: 'a list of questions', test: () => true };

function createMultipleChoice(options: MultipleChoiceOptions): EvaluationTask<MultipleChoiceSample> {
  checkOptions<MultipleChoiceOptions>('multiple-choice', options, {
    data: required(anything),
    delimiter: { expected: 'a string', test: (value) => typeof value === 'string' },
  });
  const { data, delimiter = ' ' } = options;
  checkList('multiple-choice', 'data', data);
  data.forEach(checkQuestion);
  return {
    name: 'multiple-choice',
    async run(model, context) {
      requireHead('multiple-choice', model, undefined, 'causal-lm', 'sequence-to-sequence');
      tokenizerOf('multiple-choice', model);
      const rows = data.flatMap(({ prompt, choices }) =>
        choices.map((choice) => choiceRow(model, prompt, `${delimiter}${choice}`)),
      );
      context.begin(rows.length, 'choice');
      const nats = await scoreLabels(model, rows, context);
      let next = 0;
      const samples = data.map(({ choices, answer }) => {
        const logLikelihoods = choices.map(() => -nats[next++]);
        const normalized = logLikelihoods.map((value, i) => value / Math.max(1, Array.from(choices[i]).length));
        return { logLikelihoods, choice: largest(logLikelihoods), normalizedChoice: largest(normalized), answer };
      });
      const share = (right: (sample: MultipleChoiceSample) => boolean) => (some: readonly MultipleChoiceSample[]) =>
        some.filter(right).length / some.length;
      return {
        samples,
        counts: { choices: rows.length },
        metrics: {
          accuracy: share(({ choice, answer }) => choice === answer),
          accuracyNormalized: share(({ normalizedChoice, answer }) => normalizedChoice === answer),
        },
      };
    },
  };
}

const largest = (values: readonly number[]): number => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);

function checkQuestion(question: Question, index: number): void {
  const { prompt, choices, answer } = (question ?? {}) as Partial<Question>;
  const wrong =
    typeof prompt !== 'string'
      ? 'no prompt'
      : !Array.isArray(choices) || choices.length < 2 || !choices.every((choice) => typeof choice === 'string')
        ? 'fewer than two choices of text'
        : !Number.isInteger(answer) || answer! < 0 || answer! >= choices.length
          ? `the answer ${String(answer)}, which is none of its ${choices.length} choices`
          : undefined;
  if (wrong !== undefined)
    throw badData(
      'multiple-choice',
      `question ${index} has ${wrong}`,
      'give { prompt, choices, answer } with the place of the right choice',
    );
}

/** White space at the end of the prompt belongs to the choice, as tokenizers put it there. */
function choiceRow(model: Model, prompt: string, choice: string): LabelledRow {
  const tokenizer = tokenizerOf('multiple-choice', model);
  const trimmed = prompt.trimEnd();
  const continuation = prompt.slice(trimmed.length) + choice;
  if (model.architecture.encode !== undefined) {
    const answer = Array.from(tokenizer.encode(choice.trimStart()));
    const asked = Array.from(tokenizer.encode(prompt));
    checkLength(asked, answer, choice, model);
    return continuationRow(model, asked, answer);
  }
  const whole = Array.from(tokenizer.encode(trimmed + continuation));
  const before = trimmed === '' ? [] : Array.from(tokenizer.encode(trimmed));
  const start = before.length > 0 ? before : firstToken(model);
  const answer = whole.slice(before.length);
  checkLength(start, answer, choice, model);
  return continuationRow(model, start, answer);
}

function firstToken({ config }: Model): number[] {
  const end = typeof config.eosTokenId === 'number' ? config.eosTokenId : config.eosTokenId?.[0];
  const first = config.bosTokenId ?? end;
  if (typeof first === 'number') return [first];
  throw badData('multiple-choice', 'a prompt is empty, and the model has no first token', 'give prompts with text');
}

function checkLength(prompt: readonly number[], answer: readonly number[], choice: string, model: Model): void {
  checkIds('multiple-choice', prompt, model);
  checkIds('multiple-choice', answer, model);
  const longest = positionsOf(model);
  if (answer.length >= 1 && answer.length <= longest) return;
  throw badData(
    'multiple-choice',
    `the choice ${JSON.stringify(choice.slice(0, 40))} is ${answer.length} tokens; the model has ${longest} positions`,
    'give choices of at least one token that fit',
  );
}
