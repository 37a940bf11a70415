import type { Key, Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import { corruptionLengths, drawNoise, rawLengthFor } from './noise-spans';
import type { NoiseSettings } from './noise-spans';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows, learnersTokenizer, requireLearnersHead } from './objective-errors';
import { longestRow, preparePadded } from './padded-rows';
import type { Row } from './padded-rows';
import { labelLoss } from './token-loss';

/** Options of {@link spanCorruption}. */
export interface SpanCorruptionOptions {
  /** Share of the tokens that are taken out: 0.15. */
  readonly noiseDensity?: number;
  /** Tokens of a span on average: 3. */
  readonly meanSpanLength?: number;
  /**
   * Let spans stand anywhere: false, as in the reference, where a text begins with what is kept and ends in a span, so that short
   * texts, which have one span, always lose their end.
   */
  readonly anywhere?: boolean;
  /** The tokens that stand for spans, in their order: `<extra_id_0>`, `<extra_id_1>`, … as far as the tokenizer has them. */
  readonly sentinels?: readonly string[];
}

/**
 * Learning to write what was taken out of a text, as T5 is pre-trained: spans of tokens are replaced by sentinels, and the
 * decoder writes each sentinel and what stood there.
 *
 * `Thank you for inviting me to your party` becomes `Thank you <extra_id_0> me to your <extra_id_1>`, to be answered by
 * `<extra_id_0> for inviting <extra_id_1> party`, both with the end-of-sequence token behind. How many tokens and spans are
 * taken follows from the length; which ones is drawn anew in every step, all choices alike likely. A text that is longer than
 * a row becomes several. The data is a list of texts.
 *
 * @param options share and length of what is taken out, the sentinels
 * @returns the objective, for `train(model, { data: texts, objective, … })` with an encoder-decoder
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Raffel et al.: "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (2020), section 3.1.4; as
 * `random_spans_noise_mask` of T5, and `run_t5_mlm_flax` of transformers.
 *
 * @example
 * ```ts
 * import { spanCorruption } from '@tesserae/trainer';
 * console.log(spanCorruption().hyperparameters); // → { noiseDensity: 0.15, meanSpanLength: 3 }
 * ```
 */
export const spanCorruption: Plugin<'objective', 'span-corruption', (options?: SpanCorruptionOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'span-corruption',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Learning to write the spans that were taken out of a text',
    create: createSpanCorruption,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:span-corruption': typeof spanCorruption;
  }
}

const name = 'span-corruption';

function createSpanCorruption(options: SpanCorruptionOptions = {}): Objective {
  checkOptions<SpanCorruptionOptions>(name, options, {
    noiseDensity: {
      expected: 'a number above 0 and below 1',
      test: (value) => typeof value === 'number' && value > 0 && value < 1,
    },
    meanSpanLength: { expected: 'a number ≥ 1', test: (value) => typeof value === 'number' && value >= 1 },
    anywhere: rules.boolean,
    sentinels: {
      expected: 'a list of tokens',
      test: (list) => Array.isArray(list) && list.length > 0 && list.every((one) => rules.string.test(one)),
    },
  });
  const { noiseDensity = 0.15, meanSpanLength = 3, anywhere = false, sentinels: names } = options;
  return {
    name,
    hyperparameters: {
      noiseDensity,
      meanSpanLength,
      ...(anywhere && { anywhere }),
      ...(names && { sentinels: names.join(',') }),
    },
    packs: 'an encoder-decoder takes one sequence a row',
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'sequence-to-sequence');
      checkRows(name, data, 'texts');
      const sentinels = sentinelsOf(model, names);
      const noise = { density: noiseDensity, meanSpanLength, mostSpans: sentinels.length, anywhere };
      const { start, end } = endsOf(model);
      const rows = data.flatMap((text, i) => windowsOf(model, text, i, longestRow(model, settings), noise));
      const padTokenId = model.config.padTokenId ?? 0;
      return preparePadded(model, settings, {
        objective: name,
        rows,
        ids: (ids) => [ids],
        fillers: { inputIds: padTokenId, decoderInputIds: padTokenId, labels: -100 },
        masks: { inputIds: 'attentionMask' }, // the decoder sees no padding: it stands in its future
        make(ids, key) {
          const { inputs, targets } = corrupt(ids, key, noise, sentinels);
          const labels = [...targets, end];
          return { inputIds: [...inputs, end], decoderInputIds: [start, ...targets], labels } satisfies Row;
        },
      });
    },
    labelsTokens: true,
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}

/** What the encoder is given and what the decoder has to write, without their ends. */
function corrupt(
  ids: readonly number[],
  key: Key,
  noise: NoiseSettings,
  sentinels: readonly number[],
): { inputs: number[]; targets: number[] } {
  const { kept, taken } = drawNoise(ids.length, key, noise);
  const inputs: number[] = [];
  const targets: number[] = [];
  let at = 0;
  kept.forEach((length, span) => {
    inputs.push(...ids.slice(at, at + length), sentinels[span]);
    targets.push(sentinels[span], ...ids.slice(at + length, at + length + taken[span]));
    at += length + taken[span];
  });
  inputs.push(...ids.slice(at));
  return { inputs, targets };
}

/** A text as rows that fit, once corrupted; the last may be shorter. */
function windowsOf(
  model: Model,
  text: unknown,
  index: number,
  longest: number,
  noise: NoiseSettings,
): (readonly number[])[] {
  if (typeof text !== 'string') throw badRows(name, `row ${index} is ${typeof text}`, 'give a list of texts');
  const ids = Array.from(learnersTokenizer(name, model).encode(text, { addSpecialTokens: false }));
  if (ids.length < 2)
    throw badRows(name, `the text of row ${index} holds ${ids.length} tokens`, 'give texts of two tokens or more');
  if (corruptionLengths(ids.length, noise).inputs <= longest) return [ids];
  const length = rawLengthFor(longest, noise);
  if (length < 2) throw badRows(name, `${longest} tokens leave no place for a text`, 'use a longer contextLength');
  const windows: (readonly number[])[] = [];
  for (let at = 0; at + 1 < ids.length; at += length) windows.push(ids.slice(at, at + length));
  return windows;
}

function sentinelsOf(model: Model, names: readonly string[] | undefined): number[] {
  const tokenizer = learnersTokenizer(name, model);
  const wanted = names ?? Array.from({ length: 100 }, (_, i) => `<extra_id_${i}>`);
  const found = wanted.map((token) => tokenizer.tokenToId(token));
  const missing = found.indexOf(undefined);
  const known = (names === undefined && missing > 0 ? found.slice(0, missing) : found) as number[];
  if (missing === 0 || (names !== undefined && missing >= 0))
    throw badLearner(name, `the tokenizer has no token ${wanted[missing]}`, 'give sentinels, or a tokenizer with some');
  if (new Set(known).size === known.length) return known;
  throw badLearner(name, 'two sentinels are the same token', 'give each span its own');
}

function endsOf({ config }: Model): { start: number; end: number } {
  const { padTokenId, decoderStartTokenId, eosTokenId } = config;
  const end = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
  const start = decoderStartTokenId ?? padTokenId;
  if (typeof start === 'number' && typeof end === 'number') return { start, end };
  throw badLearner(name, 'the config has no decoderStartTokenId or no eosTokenId', 'give both to createModel');
}
