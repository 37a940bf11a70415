import * as tf from '@tensorflow/tfjs-core';
import { spanLoss } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Encoding } from '@tesserae/tokenizer';
import { checkOptions, oneOf, rules } from '../options';
import { readAnswer } from './answer-span';
import type { AnswerSpan } from './answer-span';
import type { Objective, ObjectiveSettings } from './objective';
import { badRows, checkRows, learnersTokenizer, requireLearnersHead } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import { contextPlaces, questionWindows } from './question-windows';

/** A question about a text, and where the text answers it. */
export interface AnsweredQuestion {
  readonly question: string;
  readonly context: string;
  /**
   * The answers, of which the first is learned: its text and where it starts in the context. None where the text does not
   * answer. SQuAD's own forms, `{ text, answer_start }` in a list or as lists, are read too.
   */
  readonly answers: readonly { readonly text: string; readonly start: number }[] | object;
}

/** Options of {@link questionAnswering}. */
export interface QuestionAnsweringOptions {
  /** Tokens that the windows of a long text share: a third of a row. */
  readonly stride?: number;
  /** Windows that do not hold the whole answer point at the first token (`first-token`), or are left out (`leave-out`): `first-token`. */
  readonly withoutAnswer?: 'first-token' | 'leave-out';
}

/**
 * Learning to find the answer to a question in a text: the tokens where it starts and ends.
 *
 * Question and text are read as a pair. A text that is too long becomes several windows that overlap; where the answer is cut
 * away, start and end are the first token, as where there is no answer. The loss is the mean of the cross-entropies of start
 * and end. The data is a list of `{ question, context, answers: [{ text, start }] }`.
 *
 * @param options how windows overlap, and what becomes of those without the answer
 * @returns the objective, for `train(model, { data: rows, objective, … })` with a model of head `question-answering`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Devlin et al.: "BERT" (2019), sections 4.2 and 4.3; as `run_qa` of transformers.
 *
 * @example
 * ```ts
 * import { questionAnswering } from '@tesserae/trainer';
 * console.log(questionAnswering({ stride: 128 }).hyperparameters.stride); // → 128
 * ```
 */
export const questionAnswering: Plugin<
  'objective',
  'question-answering',
  (options?: QuestionAnsweringOptions) => Objective
> = /* @__PURE__ */ definePlugin({
  kind: 'objective',
  name: 'question-answering',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Learning to find the answer to a question in a text',
  create: createQuestionAnswering,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:question-answering': typeof questionAnswering;
  }
}

const name = 'question-answering';

/** One window: its ids, which of the two texts they belong to, and the answer's first and last token. */
interface Window {
  readonly ids: readonly number[];
  readonly typeIds: readonly number[];
  readonly start: number;
  readonly end: number;
}

function createQuestionAnswering(options: QuestionAnsweringOptions = {}): Objective {
  checkOptions<QuestionAnsweringOptions>(name, options, {
    stride: rules.nonNegativeInteger,
    withoutAnswer: oneOf('first-token', 'leave-out'),
  });
  const { stride, withoutAnswer = 'first-token' } = options;
  return {
    name,
    hyperparameters: { ...(stride !== undefined && { stride }), withoutAnswer },
    packs: 'start and end of an answer are chosen among all tokens of a row',
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'question-answering');
      checkRows(name, data, 'questions with their texts and answers');
      const rows = data.flatMap((row, i) => readRow(row, i, model, settings, options));
      if (rows.length === 0)
        throw badRows(
          name,
          'no window holds its answer',
          "use a longer contextLength, or withoutAnswer: 'first-token'",
        );
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, start, end }) => [ids, [start, end]],
        fillers: { inputIds: model.config.padTokenId ?? 0 },
        masks: { inputIds: 'attentionMask' },
        make: ({ ids, typeIds, start, end }) => ({
          inputIds: ids,
          tokenTypeIds: typeIds,
          labels: [start],
          endPositions: [end],
        }),
      });
    },
    loss: ({ logits }, { labels, endPositions }) =>
      spanLoss(logits, tf.reshape(labels, [-1]), tf.reshape(endPositions, [-1])),
  };
}

function readRow(
  row: unknown,
  index: number,
  model: Model,
  settings: ObjectiveSettings,
  { stride, withoutAnswer = 'first-token' }: QuestionAnsweringOptions,
): Window[] {
  const { question, context, answers } = (row ?? {}) as Partial<AnsweredQuestion>;
  if (typeof question !== 'string' || typeof context !== 'string')
    throw badRows(name, `row ${index} has no question or no context`, 'give { question, context, answers }');
  const answer = readAnswer(name, context, answers, index);
  const longest = longestRow(model, settings);
  const windows = questionWindows(learnersTokenizer(name, model), { question, context, longest, stride });
  if (windows.length === 0)
    throw badRows(
      name,
      `the question of row ${index} leaves no room for its context in ${longest} tokens`,
      'leave long questions out, or use a longer contextLength',
    );
  return windows.flatMap((window): Window[] => {
    const place = answer && placeOf(window, answer);
    if (!place && withoutAnswer === 'leave-out' && answer) return [];
    const [start, end] = place ?? [0, 0];
    return [{ ids: Array.from(window.ids), typeIds: Array.from(window.typeIds), start, end }];
  });
}

/** The first and last token of an answer; nothing where the window does not hold all of it. */
function placeOf(window: Encoding, { start, end }: AnswerSpan): [number, number] | undefined {
  const { offsets } = window;
  const places = contextPlaces(window);
  const first = places.find((i) => offsets[i][1] > start);
  const last = places.filter((i) => offsets[i][0] < end).pop();
  if (first === undefined || last === undefined || first > last) return undefined;
  const [from, to] = [offsets[places[0]][0], offsets[places[places.length - 1]][1]];
  return from <= start && to >= end ? [first, last] : undefined;
}
