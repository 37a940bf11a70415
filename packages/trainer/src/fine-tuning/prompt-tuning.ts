import * as tf from '@tensorflow/tfjs-core';
import {
  createKey,
  flattenParams,
  isWeightForm,
  mapParams,
  normal,
  promptTable,
  tokenEmbeddingScale,
  uniform,
  weightOperations,
  withAdapter,
  withVirtualTokens,
} from '@tesserae/core';
import type { Model, Weight } from '@tesserae/core';
import { definePlugin, tesseraeError } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import type { AdapterMethod } from './adapter-method';
import { findWhole, headOf } from './targets';

/** Options of {@link promptTuning}. */
export interface PromptTuningOptions {
  /** How many virtual tokens stand before the text: 20. */
  readonly virtualTokens?: number;
  /** Where they start: at embeddings of tokens drawn from the vocabulary, at those of `text`, or at normal numbers: `vocabulary`. */
  readonly initialization?: 'vocabulary' | 'text' | 'random';
  /** What the virtual tokens say at first, over again until there are enough; the model needs a tokenizer. */
  readonly text?: string;
  /** Modules that learn as a whole and are stored with the adapter; the head of a classifier when absent. */
  readonly modulesToSave?: readonly string[];
  /** Decides the start: 0. */
  readonly seed?: number;
}

/**
 * Prompt tuning: learned vectors stand before every text as if they were tokens, and only these learn.
 *
 * The model reads [P; E(x)] in place of E(x). Their positions count, so a text has that many fewer; logits are those of the
 * text alone. Of an encoder-decoder they stand before the encoder's text.
 *
 * @param options how many, where they start
 * @returns the method, for `adapt(model, promptTuning({ virtualTokens: 8 }))`
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be; from `adapt` E_TOKENIZER when a text is given and the model
 *   has no tokenizer, E_ADAPTER_TARGET when the model has no token embedding or not enough positions
 *
 * Lester et al.: "The Power of Scale for Parameter-Efficient Prompt Tuning" (2021), section 2. Equals PEFT's
 * `PromptTuningConfig`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { adapt, countLearned, promptTuning } from '@tesserae/trainer';
 *
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * const model = adapt(createModel(gpt2, config, { seed: 1 }), promptTuning({ virtualTokens: 4 }));
 * console.log(countLearned(model).adapter); // → 32
 * ```
 */
export const promptTuning: Plugin<'adapter', 'prompt-tuning', (options?: PromptTuningOptions) => AdapterMethod> =
  /* @__PURE__ */ definePlugin({
    kind: 'adapter',
    name: 'prompt-tuning',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Prompt tuning: learned vectors before every text',
    create: createPromptTuning,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'adapter:prompt-tuning': typeof promptTuning;
  }
}

const name = 'prompt-tuning';

function createPromptTuning(options: PromptTuningOptions = {}): AdapterMethod {
  checkOptions<PromptTuningOptions>(name, options, {
    virtualTokens: rules.positiveInteger,
    initialization: oneOf('vocabulary', 'text', 'random'),
    text: rules.string,
    modulesToSave: { expected: 'a list of names', test: (v) => Array.isArray(v) && v.every(rules.string.test) },
    seed: rules.nonNegativeInteger,
  });
  const { virtualTokens: count = 20, text, modulesToSave, seed = 0 } = options;
  const { initialization = text === undefined ? 'vocabulary' : 'text' } = options;
  if (initialization === 'text' && text === undefined)
    throw tesseraeError({
      package: 'trainer',
      plugin: name,
      code: 'E_OPTION',
      message: `the option 'text' is missing; initialization is 'text'`,
      fix: 'give the text, or another initialization',
    });
  const hyperparameters = { virtualTokens: count, initialization, ...(text !== undefined && { text }) };
  return {
    name,
    hyperparameters,
    apply(model) {
      const known = model as unknown as Model;
      const [path, table] = tableOf(known, count);
      const scale = tokenEmbeddingScale(known);
      const prompt = tf.tidy(() => startOf(known, table, { ...options, initialization }, count, seed, scale));
      const params = mapParams(model.params, (weight, at) =>
        at === path ? promptTable(table, prompt, scale) : weight,
      );
      const architecture = withVirtualTokens(known.architecture, count) as unknown as typeof model.architecture;
      const whole = modulesToSave ? findWhole(name, model, modulesToSave) : headOf(model);
      const adapter = { method: name, base: model, whole, settings: hyperparameters };
      return withAdapter({ ...model, architecture }, params, adapter);
    },
  };
}

/** The token embedding, of an encoder-decoder with two the encoder's. */
function tableOf({ architecture, config, params }: Model, count: number): [string, Weight] {
  const wanted = ['tokenEmbedding.weight', 'encoder.tokenEmbedding.weight'];
  const found = flattenParams(params).find(([path]) => wanted.includes(path));
  const limit = architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings;
  const taken = architecture.virtualTokens !== undefined;
  if (found && count < limit && !taken) return found;
  throw tesseraeError({
    package: 'trainer',
    plugin: name,
    code: 'E_ADAPTER_TARGET',
    message: taken
      ? 'the model has virtual tokens already'
      : found
        ? `${count} virtual tokens leave no place for text in ${limit} positions`
        : `${architecture.name} has no token embedding`,
    fix: taken
      ? 'put the adapter on its base'
      : found
        ? `use fewer than ${limit}`
        : 'use another method, such as lora()',
  });
}

/** What the virtual tokens say before they learn: [n, D], as the architecture scales embeddings. */
function startOf(
  model: Model,
  table: Weight,
  { initialization, text }: PromptTuningOptions,
  count: number,
  seed: number,
  scale: number,
): tf.Tensor {
  const dense = isWeightForm(table) ? weightOperations(table).toDense(table) : table;
  const key = createKey(seed);
  const [vocabulary, width] = dense.shape as [number, number];
  if (initialization === 'random') return tf.tensor(normal(key, count * width), [count, width]);
  const ids =
    initialization === 'text'
      ? textIds(model, text!, count)
      : Array.from(uniform(key, count, 0, vocabulary), (id) => Math.min(Math.floor(id), vocabulary - 1));
  return tf.mul(tf.gather(dense, tf.tensor1d(ids, 'int32')), scale);
}

function textIds({ tokenizer }: Model, text: string, count: number): number[] {
  const ids = tokenizer ? Array.from(tokenizer.encode(text)) : [];
  if (ids.length > 0) return Array.from({ length: count }, (_, i) => ids[i % ids.length]);
  throw tesseraeError({
    package: 'trainer',
    plugin: name,
    code: 'E_TOKENIZER',
    message: tokenizer ? 'the text holds no token' : 'a text is given, and the model has no tokenizer',
    fix: tokenizer ? 'give a longer text' : "give the model a tokenizer, or initialization: 'vocabulary'",
  });
}
