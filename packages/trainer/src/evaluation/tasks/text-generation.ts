import { generateAll } from '@tesserae/core';
import type { GenerateOptions } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../../options';
import type { OptionRule } from '../../options';
import { badData, checkList, tokenizerOf } from '../evaluation-errors';
import { evaluationAborted } from '../aborted';
import type { References } from '../metrics/references';
import type { EvaluationTask } from '../task';
import { textMetric } from './text-metrics';
import type { TextMetric, TextMetricName } from './text-metrics';

/** A prompt and what should come of it. */
export interface PromptWithReferences {
  readonly prompt: string;
  /** One right text, or several. */
  readonly references: References;
}

/** Options of {@link textGeneration}. */
export interface TextGenerationOptions {
  readonly data: readonly PromptWithReferences[];
  /** Scores by name, or of your own: `exactMatch` and `tokenF1`. */
  readonly metrics?: readonly (TextMetricName | TextMetric)[];
  /** How to generate: greedily, at most 64 tokens. */
  readonly generation?: GenerateOptions;
  /** Takes the answer out of what the model wrote: the text without white space around it. */
  readonly postprocess?: (text: string) => string;
}

/** One prompt and what the model made of it. */
export interface TextGenerationSample {
  readonly prompt: string;
  readonly prediction: string;
  readonly references: References;
  /** What the sample adds to each score, by its name. */
  readonly statistics: Readonly<Record<string, readonly number[]>>;
}

/**
 * Texts that a model writes for prompts, held against references: answers, translations, summaries.
 *
 * Scores by name: `identical` (after trimming), `exactMatch` and `tokenF1` (SQuAD), `bleu`, `chrf`, `chrfPlusPlus`
 * (sacrebleu, 0 to 100), `rouge1`, `rouge2`, `rougeL`, `rougeLsum` (F1).
 *
 * @param options prompts with references, which scores, how to generate
 * @returns the task
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be, E_EVALUATION_DATA for data or metrics that cannot be
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { evaluate, textGeneration } from '@tesserae/trainer';
 * const tokenizer = trainCharacterTokenizer('0123456789+=');
 * const config = { vocabSize: tokenizer.vocabSize, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = createModel(gpt2, config, { seed: 1, tokenizer });
 * const task = textGeneration({ data: [{ prompt: '1+2=', references: '3' }], generation: { maxNewTokens: 2 } });
 * const { metrics } = await evaluate(model, task, { progress: false });
 * console.log(Object.keys(metrics)); // → [ 'exactMatch', 'tokenF1' ]
 * disposeModel(model);
 * ```
 */
export const textGeneration: Plugin<
  'evaluation',
  'text-generation',
  (options: TextGenerationOptions) => EvaluationTask<TextGenerationSample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'text-generation',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Texts that a model writes, held against references',
  create: createTextGeneration,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:text-generation': typeof textGeneration;
  }
}

const anything: OptionRule = { expected: 'a list', test: () => true };

function createTextGeneration(options: TextGenerationOptions): EvaluationTask<TextGenerationSample> {
  checkOptions<TextGenerationOptions>('text-generation', options, {
    data: required(anything),
    metrics: { expected: 'a list of names or metrics', test: (v) => Array.isArray(v) && v.length > 0 },
    generation: rules.object,
    postprocess: rules.function,
  });
  const { data, generation = {}, postprocess = (text) => text.trim() } = options;
  const metrics = (options.metrics ?? ['exactMatch', 'tokenF1']).map(textMetric);
  checkList('text-generation', 'data', data);
  data.forEach(checkPrompt);
  return {
    name: 'text-generation',
    async run(model, context) {
      tokenizerOf('text-generation', model);
      context.begin(data.length, 'prompt');
      const { batchSize, signal } = context;
      const order = data.map((_, i) => i).sort((a, b) => data[b].prompt.length - data[a].prompt.length || a - b);
      const texts = new Array<string>(data.length);
      let tokens = 0;
      for (let i = 0; i < order.length; i += batchSize) {
        const rows = order.slice(i, i + batchSize);
        const prompts = rows.map((row) => data[row].prompt);
        const sequences = await generateAll(model, prompts, {
          maxNewTokens: 64,
          ...generation,
          ...(signal && { signal }),
        }).catch((error: unknown) => {
          throw signal?.aborted === true ? evaluationAborted(error) : error;
        });
        sequences.forEach(({ text, ids }, k) => {
          texts[rows[k]] = text;
          tokens += ids.length;
        });
        await context.advance(rows.length);
      }
      const samples = data.map(({ prompt, references }, i) => {
        const prediction = postprocess(texts[i]);
        const statistics = Object.fromEntries(metrics.map((m) => [m.name, m.statistics(prediction, references)]));
        return { prompt, prediction, references, statistics };
      });
      return {
        samples,
        counts: { generatedTokens: tokens },
        metrics: Object.fromEntries(
          metrics.map(({ name, score }) => [
            name,
            (some: readonly TextGenerationSample[]) => score(some.map(({ statistics }) => statistics[name])),
          ]),
        ),
      };
    },
  };
}

function checkPrompt(row: PromptWithReferences, index: number): void {
  const { prompt, references } = (row ?? {}) as Partial<PromptWithReferences>;
  const texts = typeof references === 'string' ? [references] : references;
  if (
    typeof prompt === 'string' &&
    Array.isArray(texts) &&
    texts.length > 0 &&
    texts.every((t) => typeof t === 'string')
  )
    return;
  throw badData('text-generation', `row ${index} is no prompt with references`, 'give { prompt, references } of text');
}
