import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Encoding } from '@tesserae/tokenizer';
import { answersIn } from '../../objectives/answer-span';
import type { AnsweredQuestion } from '../../objectives/index';
import { contextPlaces, questionWindows } from '../../objectives/question-windows';
import { checkOptions, required, rules } from '../../options';
import type { OptionRule } from '../../options';
import { badData, checkIds, checkList, requireHead, tokenizerOf } from '../evaluation-errors';
import { positionsOf } from '../forward/positions';
import { runForward } from '../forward/run-forward';
import { exactMatch, normalizeAnswer, tokenF1 } from '../metrics/exact-match';
import type { EvaluationTask, TaskOutcome } from '../task';

/** Options of {@link answerExtraction}. */
export interface AnswerExtractionOptions {
  /** Questions, each about a text and with every answer that is right, of which the places do not matter here. */
  readonly data: readonly AnsweredQuestion[];
  /** Tokens that the windows of a long text share: a third of a row. */
  readonly stride?: number;
  /** Tokens of an answer at most: 30. */
  readonly maxAnswerTokens?: number;
  /** Whether the model may say that a text does not answer: true where some question has no answers. */
  readonly mayDecline?: boolean;
  /** By how much the first token has to score above the best answer for the model to say so: 0. */
  readonly declineMargin?: number;
}

/** One question, as the model answers it. */
export interface AnswerSample {
  /** The text of the answer; empty where the model says that there is none. */
  readonly prediction: string;
  /** Where it stands in the context, in UTF-16 units; 0 and 0 where there is none. */
  readonly start: number;
  readonly end: number;
  /** Logit of the first token as a start plus logit of the last as an end. */
  readonly score: number;
  /** The right answers; one empty text where there is none. */
  readonly answers: readonly string[];
}

/**
 * Answers to questions about texts, by a model that points at the first and the last token of the answer.
 *
 * The answer is the stretch of the context, up to `maxAnswerTokens` long, with the largest start logit plus end logit; of a
 * text that is too long all windows are looked at. Where a model may decline, it does if start and end at the first token
 * score higher in the window where they score least. `exactMatch` and `f1` compare with the best of the right answers in
 * lower case, without punctuation and English articles; the mean over all questions.
 *
 * @param options questions with their texts and right answers, and what may be an answer
 * @returns the task, for models with the head `question-answering`; where some questions have no answer, `details` has the
 *   scores of those and of the others apart
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data that cannot be
 *
 * Rajpurkar et al.: "SQuAD" (2016), section 6.1; "Know What You Don't Know" (2018). Answers as `run_qa` of transformers.
 *
 * @example
 * ```ts
 * import { answerExtraction } from '@tesserae/trainer';
 * const context = 'Mia lives in Paris.';
 * const data = [{ question: 'Where does Mia live?', context, answers: [{ text: 'Paris', start: 13 }] }];
 * console.log(answerExtraction({ data, maxAnswerTokens: 10 }).name); // → answer-extraction
 * ```
 */
export const answerExtraction: Plugin<
  'evaluation',
  'answer-extraction',
  (options: AnswerExtractionOptions) => EvaluationTask<AnswerSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'answer-extraction',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Answers to questions, as stretches of a text',
  create: createAnswerExtraction,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:answer-extraction': typeof answerExtraction;
  }
}

const name = 'answer-extraction';
const anything: OptionRule = { expected: 'a list', test: () => true };

/** A question that was read. */
interface Asked {
  readonly question: string;
  readonly context: string;
  readonly answers: readonly string[];
}

/** A window of a question's text, and the question's number. */
interface Look {
  readonly row: number;
  readonly window: Encoding;
}

function createAnswerExtraction(options: AnswerExtractionOptions): EvaluationTask<AnswerSample> {
  checkOptions<AnswerExtractionOptions>(name, options, {
    data: required(anything),
    stride: rules.nonNegativeInteger,
    maxAnswerTokens: rules.positiveInteger,
    mayDecline: rules.boolean,
    declineMargin: { expected: 'a number', test: Number.isFinite },
  });
  checkList(name, 'data', options.data);
  const asked = options.data.map(readQuestion);
  const { stride, maxAnswerTokens = 30, declineMargin = 0 } = options;
  const { mayDecline = asked.some(({ answers }) => answers[0] === '') } = options;
  return {
    name,
    async run(model, context) {
      requireHead(name, model, 'question-answering');
      const looks = asked.flatMap((one, row) => looksOf(model, one, row, stride));
      context.begin(looks.length, 'window');
      const rows = looks.map(({ window: { ids, typeIds } }) => ({ inputIds: ids, tokenTypeIds: typeIds }));
      const fillers = { inputIds: model.config.padTokenId ?? 0 };
      const logits = await runForward(
        model,
        rows,
        { name: 'pointAtAnswers', fillers, pick: ({ logits: all }) => tf.clone(all) }, // [B, T, 2]
        context,
      );
      const mine = asked.map((): number[] => []); // the looks at each question's text
      looks.forEach(({ row }, i) => mine[row].push(i));
      const samples = asked.map(({ context: text, answers }, row): AnswerSample => {
        const spans = mine[row].map((i) => bestSpan(looks[i].window, logits[i], maxAnswerTokens));
        const best = spans.reduce((one, other) => (other.score > one.score ? other : one));
        const none = Math.min(...mine[row].map((i) => logits[i][0] + logits[i][1]));
        if (mayDecline && none - best.score > declineMargin)
          return { prediction: '', start: 0, end: 0, score: none, answers };
        return { prediction: text.slice(best.start, best.end), ...best, answers };
      });
      return outcomeOf(samples, looks.length);
    },
  };
}

/** The stretch of a window's context with the largest sum of logits, in units of the context. */
function bestSpan(window: Encoding, logits: Float32Array, most: number): Omit<AnswerSample, 'prediction' | 'answers'> {
  const places = contextPlaces(window);
  let best = { start: 0, end: 0, score: -Infinity };
  for (const [i, first] of places.entries())
    for (const last of places.slice(i, i + most)) {
      const score = logits[2 * first] + logits[2 * last + 1];
      if (score > best.score) best = { start: window.offsets[first][0], end: window.offsets[last][1], score };
    }
  return best;
}

const mean = (samples: readonly AnswerSample[], score: (sample: AnswerSample) => number): number =>
  samples.reduce((sum, one) => sum + score(one), 0) / samples.length;
const exact = (samples: readonly AnswerSample[]): number =>
  mean(samples, ({ prediction, answers }) => exactMatch(prediction, answers));
const f1 = (samples: readonly AnswerSample[]): number =>
  mean(samples, ({ prediction, answers }) => tokenF1(prediction, answers));

function outcomeOf(samples: readonly AnswerSample[], windows: number): TaskOutcome<AnswerSample> {
  const [without, withAnswer] = [true, false].map((none) =>
    samples.filter(({ answers }) => (answers[0] === '') === none),
  );
  const scores = (some: readonly AnswerSample[]): object => ({
    samples: some.length,
    ...(some.length > 0 && { exactMatch: exact(some), f1: f1(some) }),
  });
  return {
    samples,
    counts: { windows },
    metrics: { exactMatch: exact, f1 },
    ...(without.length > 0 && { details: { withAnswer: scores(withAnswer), withoutAnswer: scores(without) } }),
  };
}

function looksOf(model: Model, { question, context }: Asked, row: number, stride: number | undefined): Look[] {
  const longest = positionsOf(model);
  const windows = questionWindows(tokenizerOf(name, model), { question, context, longest, stride });
  if (windows.length === 0)
    throw badData(
      name,
      `question ${row} leaves no room for its context in ${longest} tokens`,
      'leave long questions out, or use a model with more positions',
    );
  for (const { ids } of windows) checkIds(name, ids, model);
  return windows.map((window) => ({ row, window }));
}

function readQuestion(row: unknown, index: number): Asked {
  const { question, context, answers } = (row ?? {}) as Partial<AnsweredQuestion>;
  if (typeof question !== 'string' || typeof context !== 'string' || context.trim() === '')
    throw badData(name, `row ${index} has no question or no context`, 'give { question, context, answers }');
  const texts = answersIn(answers)?.map(({ text }) => text);
  if (texts === undefined || texts.some((text) => typeof text !== 'string'))
    throw badData(name, `row ${index} has no list of answers`, 'give answers: [{ text, start }], or [] for none');
  const right = (texts as string[]).filter((text) => normalizeAnswer(text) !== '');
  return { question, context, answers: right.length > 0 ? right : [''] };
}
