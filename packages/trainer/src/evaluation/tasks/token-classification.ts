import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';
import { checkOptions, required } from '../../options';
import type { OptionRule } from '../../options';
import { badData, checkIds, checkList, requireHead, tokenizerOf } from '../evaluation-errors';
import { positionsOf } from '../forward/positions';
import { runForward } from '../forward/run-forward';
import { spanCounts, spanScoreOf } from '../metrics/span-f1';
import type { EvaluationTask } from '../task';

/** A sentence whose words have tags. */
export interface TaggedWords {
  readonly words: readonly string[];
  /** One tag a word, such as `B-PER` or `O`. */
  readonly tags: readonly string[];
}

/** Options of {@link tokenClassification}. */
export interface TokenClassificationOptions {
  readonly data: readonly TaggedWords[];
  /** The tags, in the order of the model's outputs. */
  readonly labels: readonly string[];
}

/** One sentence, as the model sees it. */
export interface TokenClassificationSample {
  readonly predictions: readonly string[];
  readonly tags: readonly string[];
}

/**
 * Tags for the words of sentences, by a model with a token classification head: entities, parts of speech.
 *
 * A word's tag is that of its first token. `f1`, `precision` and `recall` count whole spans with their type; `accuracy`
 * counts words.
 *
 * @param options sentences with tags, and the tags in the order of the model's outputs
 * @returns the task, with the scores of each type in `details`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data that cannot be
 *
 * Reference: span scores as seqeval.
 *
 * @example
 * ```ts
 * import { tokenClassification } from '@tesserae/trainer';
 * const data = [{ words: ['Mia', 'went', 'home'], tags: ['B-PER', 'O', 'O'] }];
 * console.log(tokenClassification({ data, labels: ['O', 'B-PER', 'I-PER'] }).name); // → token-classification
 * ```
 */
export const tokenClassification: Plugin<
  'evaluation',
  'token-classification',
  (options: TokenClassificationOptions) => EvaluationTask<TokenClassificationSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'token-classification',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Tags for the words of sentences',
  create: createTokenClassification,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:token-classification': typeof tokenClassification;
  }
}

const list: OptionRule = { expected: 'a list', test: Array.isArray };

function createTokenClassification(options: TokenClassificationOptions): EvaluationTask<TokenClassificationSample> {
  checkOptions<TokenClassificationOptions>('token-classification', options, {
    data: required(list),
    labels: required(list),
  });
  const { data, labels } = options;
  checkList('token-classification', 'data', data);
  data.forEach((sentence, i) => checkSentence(sentence, labels, i));
  return {
    name: 'token-classification',
    async run(model, context) {
      requireHead('token-classification', model, 'token-classification');
      const tokenizer = tokenizerOf('token-classification', model);
      const sentences = data.map(({ words }) => cutWords(words, tokenizer, model));
      context.begin(data.length, 'sentence');
      const rows = sentences.map(({ inputIds }) => ({ inputIds }));
      const fillers = { inputIds: model.config.padTokenId ?? 0 };
      const classes = await runForward(
        model,
        rows,
        { name: 'tagTokens', fillers, pick: ({ logits }) => tf.cast(tf.argMax(logits, 2), 'float32') }, // [B, T]
        context,
      );
      const samples = data.map(({ tags }, i): TokenClassificationSample => ({
        predictions: sentences[i].first.map((place) => labels[classes[i][place]] ?? 'O'),
        tags,
      }));
      const counts = new Map(samples.map((sample) => [sample, spanCounts(sample.predictions, sample.tags)]));
      const score = (some: readonly TokenClassificationSample[]): ReturnType<typeof spanScoreOf> =>
        spanScoreOf(some.map((sample) => counts.get(sample)!));
      return {
        samples,
        counts: { words: data.reduce((sum, { words }) => sum + words.length, 0) },
        metrics: {
          f1: (some) => score(some).f1,
          precision: (some) => score(some).precision,
          recall: (some) => score(some).recall,
          accuracy: wordAccuracy,
        },
        details: { perType: score(samples).perType },
      };
    },
  };
}

function wordAccuracy(some: readonly TokenClassificationSample[]): number {
  let [right, all] = [0, 0];
  for (const { predictions, tags } of some) {
    right += tags.filter((tag, i) => tag === predictions[i]).length;
    all += tags.length;
  }
  return right / all;
}

function checkSentence(sentence: TaggedWords, labels: readonly string[], index: number): void {
  const { words, tags } = (sentence ?? {}) as Partial<TaggedWords>;
  if (!Array.isArray(words) || !Array.isArray(tags) || words.length !== tags.length || words.length === 0)
    throw badData(
      'token-classification',
      `sentence ${index} has no tag for each word`,
      'give { words, tags } of one length',
    );
  const unknown = (tags as string[]).find((tag) => !labels.includes(tag));
  if (unknown === undefined) return;
  throw badData(
    'token-classification',
    `sentence ${index} has the tag ${JSON.stringify(unknown)}; known are ${labels.join(', ')}`,
    'list every tag in labels',
  );
}

/** The ids of a sentence with its special tokens, and where each word's first token stands. */
function cutWords(
  words: readonly string[],
  tokenizer: Tokenizer,
  model: Model,
): { inputIds: number[]; first: number[] } {
  const text = words.join(' ');
  const bare = Array.from(tokenizer.encode(text, { addSpecialTokens: false }));
  const full = Array.from(tokenizer.encode(text));
  const before = full.findIndex((_, at) => bare.every((id, i) => full[at + i] === id));
  const start = Math.max(0, before);
  const first: number[] = [];
  const ids: number[] = full.slice(0, start);
  words.forEach((word, i) => {
    first.push(ids.length);
    ids.push(...tokenizer.encode(i === 0 ? word : ` ${word}`, { addSpecialTokens: false }));
  });
  ids.push(...full.slice(start + bare.length));
  checkIds('token-classification', ids, model);
  if (ids.length <= positionsOf(model)) return { inputIds: ids, first };
  throw badData(
    'token-classification',
    `a sentence has ${ids.length} tokens; the model has ${positionsOf(model)} positions`,
    'cut long sentences',
  );
}
