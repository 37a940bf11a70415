import { uniform } from '@tesserae/core';
import type { Key, Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, rules } from '../options';
import type { Objective } from './objective';
import { badRows, checkRows, learnersTokenizer, requireLearnersHead } from './objective-errors';
import { longestRow } from './padded-rows';
import { prepareRows } from './prepare-rows';
import type { Row } from './padded-rows';
import { labelLoss } from './token-loss';

/** Options of {@link maskedLanguageModeling}. */
export interface MaskedLanguageModelingOptions {
  /** Share of the tokens that the model has to find: 0.15. */
  readonly maskProbability?: number;
  /** How the mask is written: the one of `[MASK]` and `<mask>` that the tokenizer knows. */
  readonly maskToken?: string;
}

/** What hides a token: the share that becomes the mask, and the share that becomes a random token; the rest stays. */
const hidden = { mask: 0.8, random: 0.1 } as const;

/**
 * Learning to fill in what was hidden: some tokens of each text are chosen, and the model has to name them.
 *
 * Of the chosen tokens 80 % become the mask, 10 % a random token, 10 % stay as they are, anew in every step. The loss is the
 * cross-entropy over the chosen places. The data is a list of texts.
 *
 * @param options share of tokens to hide, how the mask is written
 * @returns the objective, for `train(model, { data: texts, objective, … })` with a model of head `masked-lm`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Devlin et al.: "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding" (2019), section 3.1.
 *
 * @example
 * ```ts
 * import { maskedLanguageModeling } from '@tesserae/trainer';
 * console.log(maskedLanguageModeling({ maskProbability: 0.3 }).hyperparameters); // → { maskProbability: 0.3 }
 * ```
 */
export const maskedLanguageModeling: Plugin<
  'objective',
  'masked-language-modeling',
  (options?: MaskedLanguageModelingOptions) => Objective
> = /* @__PURE__ */ definePlugin({
  kind: 'objective',
  name: 'masked-language-modeling',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Learning to fill in hidden tokens',
  create: createMasked,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:masked-language-modeling': typeof maskedLanguageModeling;
  }
}

const name = 'masked-language-modeling';

function createMasked(options: MaskedLanguageModelingOptions = {}): Objective {
  checkOptions<MaskedLanguageModelingOptions>(name, options, {
    maskProbability: {
      expected: 'a number above 0 and up to 1',
      test: (value) => typeof value === 'number' && value > 0 && value <= 1,
    },
    maskToken: rules.string,
  });
  const { maskProbability = 0.15, maskToken } = options;
  return {
    name,
    hyperparameters: { maskProbability },
    packs: true,
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'masked-lm');
      checkRows(name, data, 'texts');
      const rows = data.map((text, i) => encode(model, text, i, longestRow(model, settings)));
      const mask = maskOf(model, maskToken);
      const special = new Set(Object.values(learnersTokenizer(name, model).specialTokens));
      return prepareRows(model, settings, {
        objective: name,
        rows,
        ids: (ids) => [ids],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: { inputIds: 'attentionMask' },
        make: (ids, key) => hide(ids, key, { maskProbability, mask, special, vocabSize: model.config.vocabSize }),
      });
    },
    labelsTokens: true,
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}

interface Hiding {
  readonly maskProbability: number;
  readonly mask: number;
  readonly special: ReadonlySet<number>;
  readonly vocabSize: number;
}

function hide(ids: readonly number[], key: Key, { maskProbability, mask, special, vocabSize }: Hiding): Row {
  const draws = uniform(key, 3 * ids.length);
  const open = ids.flatMap((id, i) => (special.has(id) ? [] : [i]));
  const chosen = new Set(open.filter((i) => draws[3 * i] < maskProbability));
  if (chosen.size === 0 && open.length > 0) chosen.add(open[Math.floor(draws[0] * open.length) % open.length]);
  const inputIds = ids.map((id, i) => {
    if (!chosen.has(i) || draws[3 * i + 1] >= hidden.mask + hidden.random) return id;
    return draws[3 * i + 1] < hidden.mask ? mask : Math.floor(draws[3 * i + 2] * vocabSize) % vocabSize;
  });
  return { inputIds, labels: ids.map((id, i) => (chosen.has(i) ? id : -100)) };
}

function encode(model: Model, text: unknown, index: number, longest: number): number[] {
  if (typeof text !== 'string') throw badRows(name, `row ${index} is ${typeof text}`, 'give a list of texts');
  const ids = Array.from(learnersTokenizer(name, model).encode(text)).slice(0, longest);
  if (ids.length > 0) return ids;
  throw badRows(name, `the text of row ${index} holds no token`, 'leave empty texts out');
}

function maskOf(model: Model, wanted: string | undefined): number {
  const names = wanted === undefined ? ['[MASK]', '<mask>'] : [wanted];
  const tokenizer = learnersTokenizer(name, model);
  const found = names.map((one) => tokenizer.tokenToId(one)).find((id) => id !== undefined);
  if (found !== undefined) return found;
  throw badRows(name, `the tokenizer has no token ${names.join(' or ')}`, 'give maskToken, or a tokenizer with one');
}
