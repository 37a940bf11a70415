import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../../options';
import type { OptionRule } from '../../options';
import { badData, checkIds, checkList, requireHead, tokenizerOf } from '../evaluation-errors';
import { runForward } from '../forward/run-forward';
import type { EvaluationTask } from '../task';

/** A text with masks, and the words that belong there. */
export interface MaskedText {
  /** Text in which the mask token stands once for each answer. */
  readonly text: string;
  /** What belongs at each mask, one token each. */
  readonly answers: readonly string[];
}

/** Options of {@link maskedPrediction}. */
export interface MaskedPredictionOptions {
  readonly data: readonly MaskedText[];
  /** How the mask is written: the one of `[MASK]` and `<mask>` that the tokenizer knows. */
  readonly maskToken?: string;
}

/** One mask, as the model sees it. */
export interface MaskedSample {
  /** -log p of the right token, in nats. */
  readonly nats: number;
  /** How many tokens the model finds likelier than the right one. */
  readonly rank: number;
}

/**
 * Masked words that a model fills in: what BERT is trained to do.
 *
 * `accuracy` counts masks where the right token is the likeliest; `meanReciprocalRank` is the mean of 1 / (rank + 1);
 * `loss` the mean of -log p in nats.
 *
 * @param options texts with masks and their answers
 * @returns the task
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data that cannot be
 *
 * Devlin et al.: "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding" (2019), section 3.1.
 *
 * @example
 * ```ts
 * import { maskedPrediction } from '@tesserae/trainer';
 * const task = maskedPrediction({ data: [{ text: 'The dog said [MASK].', answers: ['woof'] }] });
 * console.log(task.name); // → masked-prediction
 * ```
 */
export const maskedPrediction: Plugin<
  'evaluation',
  'masked-prediction',
  (options: MaskedPredictionOptions) => EvaluationTask<MaskedSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'masked-prediction',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Masked words that a model fills in',
  create: createMaskedPrediction,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:masked-prediction': typeof maskedPrediction;
  }
}

const anything: OptionRule = { expected: 'a list', test: () => true };

function createMaskedPrediction(options: MaskedPredictionOptions): EvaluationTask<MaskedSample> {
  checkOptions<MaskedPredictionOptions>('masked-prediction', options, {
    data: required(anything),
    maskToken: rules.string,
  });
  const { data } = options;
  checkList('masked-prediction', 'data', data);
  return {
    name: 'masked-prediction',
    async run(model, context) {
      requireHead('masked-prediction', model, 'masked-lm', undefined);
      const mask = maskOf(model, options.maskToken);
      const rows = data.map((text, i) => maskedRow(model, text, mask, i));
      context.begin(rows.length, 'text');
      const found = await runForward(
        model,
        rows,
        { name: 'fillMasks', fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 }, pick: pickNatsAndRank },
        context,
      );
      const samples = rows.flatMap(({ labels }, i) => {
        const width = found[i].length / 2;
        return labels.flatMap((label, t) => (label < 0 ? [] : [{ nats: found[i][t], rank: found[i][width + t] }]));
      });
      const mean = (of: (sample: MaskedSample) => number) => (some: readonly MaskedSample[]) =>
        some.reduce((sum, sample) => sum + of(sample), 0) / some.length;
      return {
        samples,
        metrics: {
          accuracy: mean(({ rank }) => (rank === 0 ? 1 : 0)),
          meanReciprocalRank: mean(({ rank }) => 1 / (rank + 1)),
          loss: mean(({ nats }) => nats),
        },
      };
    },
  };
}

/** [B, 2, T]: how surprising each label is, and how many logits lie above its own. */
function pickNatsAndRank(
  { logits }: { logits: tf.Tensor },
  { labels }: Readonly<Record<string, tf.Tensor>>,
): tf.Tensor {
  const [batch, time, vocabulary] = logits.shape as [number, number, number];
  const rows = batch * time;
  const flat = tf.reshape(logits, [rows, vocabulary]);
  const label = tf.maximum(tf.reshape(labels, [rows]), tf.scalar(0, 'int32'));
  const place = tf.add(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(vocabulary, 'int32')), label); // [N]
  const own = tf.gather(tf.reshape(logits, [rows * vocabulary]), place as tf.Tensor1D); // [N]
  const rank = tf.sum(tf.cast(tf.greater(flat, tf.reshape(own, [rows, 1])), 'float32'), 1); // [N]
  const nats = crossEntropy(flat, tf.reshape(labels, [rows]), { reduction: 'none' }); // [N]
  return tf.stack([tf.reshape(nats, [batch, time]), tf.reshape(rank, [batch, time])], 1);
}

function maskOf(model: Model, wanted: string | undefined): number {
  const tokenizer = tokenizerOf('masked-prediction', model);
  const names = wanted === undefined ? ['[MASK]', '<mask>'] : [wanted];
  const found = names.map((name) => tokenizer.tokenToId(name)).find((id) => id !== undefined);
  if (found !== undefined) return found;
  throw badData('masked-prediction', `the tokenizer has no token ${names.join(' or ')}`, 'give maskToken');
}

function maskedRow(
  model: Model,
  { text, answers }: MaskedText,
  mask: number,
  index: number,
): { inputIds: number[]; labels: number[] } {
  const tokenizer = tokenizerOf('masked-prediction', model);
  const inputIds = Array.from(tokenizer.encode(text));
  checkIds('masked-prediction', inputIds, model);
  const masks = inputIds.filter((id) => id === mask).length;
  if (!Array.isArray(answers) || masks === 0 || masks !== answers.length)
    throw badData(
      'masked-prediction',
      `text ${index} has ${masks} masks and ${answers?.length ?? 'no'} answers`,
      'give one answer for each mask, and at least one',
    );
  let next = 0;
  const labels = inputIds.map((id) => (id === mask ? idOf(tokenizer, answers[next++] as string, index) : -100));
  return { inputIds, labels };
}

/** The one id of an answer: as it stands in the vocabulary, or as it is encoded, alone or after a space. */
function idOf(tokenizer: ReturnType<typeof tokenizerOf>, answer: string, index: number): number {
  for (const text of [answer, ` ${answer}`]) {
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    if (ids.length === 1) return ids[0];
  }
  const id = tokenizer.tokenToId(answer);
  if (id !== undefined) return id;
  throw badData(
    'masked-prediction',
    `the answer ${JSON.stringify(answer)} of text ${index} is not one token`,
    'give answers of one token',
  );
}
