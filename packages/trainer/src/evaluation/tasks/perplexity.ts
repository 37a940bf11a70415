import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../../options';
import type { OptionRule } from '../../options';
import { badData, badModel, checkIds, requireHead, tokenizerOf } from '../evaluation-errors';
import { positionsOf } from '../forward/positions';
import { scoreLabels } from '../forward/score-labels';
import type { LabelledRow } from '../forward/score-labels';
import type { EvaluationTask } from '../task';

/** Options of {@link perplexity}. */
export interface PerplexityOptions {
  /** A text, token ids, or several documents of either kind, each read from its own beginning. */
  readonly data: string | ArrayLike<number> | readonly (string | ArrayLike<number>)[];
  /** Tokens that the model sees at a time: its `maxPositionEmbeddings`. */
  readonly contextLength?: number;
  /** Tokens from one window to the next, below `contextLength`: half of it. Smaller is slower and gives more context. */
  readonly stride?: number;
  /** An id to put before each document, so that its first token is predicted too; none when absent. */
  readonly firstToken?: number;
}

/** One window of a text. */
export interface PerplexitySample {
  /** How surprised the model was by its new tokens together, in nats. */
  readonly nats: number;
  /** Tokens that the window predicts and none before it did. */
  readonly tokens: number;
  /** Bytes of the text that these tokens stand for, shared out evenly in a document; 0 when only ids are known. */
  readonly bytes: number;
}

interface Document {
  readonly ids: ArrayLike<number>;
  /** UTF-8 bytes of what is predicted; 0 when not known. */
  readonly bytes: number;
}

/**
 * How well a model predicts text: perplexity and bits per byte over strided windows.
 *
 * PPL = exp(-(1/N) Σ log p(xᵢ | up to `contextLength` - 1 tokens before it))
 *
 * A window of `contextLength` tokens moves on by `stride`; each window counts only the tokens that no window before it
 * counted, so every token but a document's first counts exactly once. Bits per byte, Σ -log₂ p / bytes, compares models
 * with different tokenizers.
 *
 * @param options the data, window and stride
 * @returns the task: `perplexity`, `loss` (nats per token) and, for texts, `bitsPerByte`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: the strided windows of Hugging Face's "Perplexity of fixed-length models", with each window weighted by the
 * tokens it really counts.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { trainCharacterTokenizer } from '@tesserae/tokenizer';
 * import { evaluate, perplexity } from '@tesserae/trainer';
 * const tokenizer = trainCharacterTokenizer('hello world');
 * const config = { vocabSize: 8, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const model = createModel(gpt2, config, { seed: 1, tokenizer });
 * const { metrics } = await evaluate(model, perplexity({ data: 'hello world' }), { progress: false });
 * console.log(Math.round(metrics.perplexity.value), Math.round(metrics.bitsPerByte.value)); // → 8 3
 * disposeModel(model);
 * ```
 */
export const perplexity: Plugin<
  'evaluation',
  'perplexity',
  (options: PerplexityOptions) => EvaluationTask<PerplexitySample>
> = /* @__PURE__ */ definePlugin({
  kind: 'evaluation',
  name: 'perplexity',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'How well a language model predicts text',
  create: createPerplexity,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'evaluation:perplexity': typeof perplexity;
  }
}

/** Where positions are relative a window has no natural end. */
const LONGEST_WINDOW = 1024 * 1024;

const dataRule: OptionRule = {
  expected: 'a text, token ids, or a list of these',
  test: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
};

function createPerplexity(options: PerplexityOptions): EvaluationTask<PerplexitySample> {
  checkOptions<PerplexityOptions>('perplexity', options, {
    data: required(dataRule),
    contextLength: rules.positiveInteger,
    stride: rules.positiveInteger,
    firstToken: rules.nonNegativeInteger,
  });
  return {
    name: 'perplexity',
    async run(model, context) {
      if (model.architecture.encode !== undefined)
        throw badModel('perplexity', `${model.architecture.name} has an encoder`, 'use a model that only decodes');
      requireHead('perplexity', model, undefined, 'causal-lm');
      const { contextLength, stride } = windowsOf(model, options);
      const windows = documentsOf(model, options).flatMap((document) => cut(document, contextLength, stride));
      if (windows.length === 0)
        throw badData('perplexity', 'no document has two tokens', 'give longer texts, or a firstToken');
      context.begin(windows.length, 'window');
      const nats = await scoreLabels(
        model,
        windows.map(({ row }) => row),
        context,
      );
      const samples = windows.map(({ tokens, bytes }, i) => ({ nats: nats[i], tokens, bytes }));
      const total = (of: keyof PerplexitySample) => (some: readonly PerplexitySample[]) =>
        some.reduce((sum, sample) => sum + sample[of], 0);
      const loss = (some: readonly PerplexitySample[]): number => total('nats')(some) / total('tokens')(some);
      const counts = { tokens: total('tokens')(samples), bytes: total('bytes')(samples) };
      return {
        samples,
        counts: { tokens: counts.tokens, ...(counts.bytes > 0 && { bytes: Math.round(counts.bytes) }) },
        metrics: {
          perplexity: (some) => Math.exp(loss(some)),
          loss,
          ...(counts.bytes > 0 && {
            bitsPerByte: (some) => total('nats')(some) / Math.LN2 / total('bytes')(some),
          }),
        },
      };
    },
  };
}

function windowsOf(model: Model, options: PerplexityOptions): { contextLength: number; stride: number } {
  const longest = Math.min(positionsOf(model), LONGEST_WINDOW);
  const { contextLength = longest, stride = Math.max(1, Math.floor(contextLength / 2)) } = options;
  if (contextLength > longest || contextLength < 2)
    throw badData('perplexity', `contextLength ${contextLength} is not from 2 to the model's ${longest}`, 'choose one');
  if (stride >= contextLength)
    throw badData(
      'perplexity',
      `a stride of ${stride} leaves tokens between windows of ${contextLength} without a prediction`,
      `use at most ${contextLength - 1}`,
    );
  return { contextLength, stride };
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

const isDocument = (value: unknown): value is string | ArrayLike<number> =>
  typeof value === 'string' || ArrayBuffer.isView(value) || (Array.isArray(value) && typeof value[0] === 'number');

function documentsOf(model: Model, { data, firstToken }: PerplexityOptions): Document[] {
  const given = isDocument(data) ? [data] : Array.from(data as readonly (string | ArrayLike<number>)[]);
  if (given.length === 0) throw badData('perplexity', 'there is no text', 'give some');
  return given.map((document) => {
    if (!isDocument(document) && (document as ArrayLike<number> | null)?.length !== 0)
      throw badData('perplexity', `a document is ${typeof document}`, 'give texts or token ids');
    const isText = typeof document === 'string';
    const own = isText ? tokenizerOf('perplexity', model).encode(document) : document;
    const ids = firstToken === undefined ? own : [firstToken, ...Array.from(own)];
    checkIds('perplexity', ids, model);
    if (!isText) return { ids, bytes: 0 };
    const unpredicted =
      firstToken === undefined && ids.length > 0
        ? byteLength(tokenizerOf('perplexity', model).decode([ids[0]], { skipSpecialTokens: true }))
        : 0;
    return { ids, bytes: Math.max(0, byteLength(document) - unpredicted) };
  });
}

/** Windows [begin, end) of a document; the labels of each are the tokens that no earlier window predicted. */
function cut(
  { ids, bytes }: Document,
  contextLength: number,
  stride: number,
): { row: LabelledRow; tokens: number; bytes: number }[] {
  const windows = [];
  const list = Array.from(ids);
  for (let [begin, counted] = [0, 1]; counted < list.length; begin += stride) {
    const end = Math.min(begin + contextLength, list.length);
    const first = counted;
    const labels = list.slice(begin + 1, end).map((id, i) => (begin + 1 + i >= first ? id : -100));
    const tokens = end - first;
    const share = (bytes * tokens) / (list.length - 1);
    windows.push({ row: { inputIds: list.slice(begin, end - 1), labels }, tokens, bytes: share });
    counted = end;
  }
  return windows;
}
