import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import { badExample, checkExample } from './augmentation-errors';
import type { Augmenter } from './augmenter';
import type { Key } from '@tesserae/core';

/** Text to text: a call of one's own model, which may sample by the key. */
export type TextModel = (text: string, key: Key) => string | Promise<string>;

/** Options of {@link roundTrip}. */
export interface RoundTripOptions {
  /** Into another language, or into another form. */
  readonly forward: TextModel;
  /** Back again. */
  readonly backward: TextModel;
}

/**
 * Paraphrases by a round trip through one's own sequence-to-sequence models: backward(forward(text)).
 *
 * Examples with spans are refused, since nobody knows where the words have gone; so is what comes back empty or unchanged.
 *
 * @param options the two models, each as a function of text and key
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE, also when a model gives no text
 *
 * Sennrich, Haddow and Birch: "Improving Neural Machine Translation Models with Monolingual Data" (2016); Xie et al.:
 * "Unsupervised Data Augmentation for Consistency Training" (2020), section 3.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { roundTrip } from '@tesserae/trainer';
 * const [forward, backward] = [(text: string) => text.replace('big', 'groß'), (text: string) => text.replace('groß', 'large')];
 * console.log(await roundTrip({ forward, backward }).augment({ text: 'a big dog' }, createKey(1))); // → [ { text: 'a large dog' } ]
 * ```
 */
export const roundTrip: Plugin<'augmenter', 'round-trip', (options: RoundTripOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'round-trip',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Paraphrases by a round trip through models',
    create: createRoundTrip,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:round-trip': typeof roundTrip;
  }
}

const name = 'round-trip';

function createRoundTrip(options: RoundTripOptions): Augmenter {
  checkOptions<RoundTripOptions>(name, options, {
    forward: required(rules.function),
    backward: required(rules.function),
  });
  const call = async (model: 'forward' | 'backward', text: string, key: Key): Promise<string> => {
    const made: unknown = await options[model](text, key);
    if (typeof made === 'string') return made;
    throw badExample(name, `${model} gave ${typeof made}, not text`, 'return the text that the model writes');
  };
  return {
    name,
    hyperparameters: {},
    async augment(example, key) {
      checkExample(name, example);
      if ((example.spans?.length ?? 0) > 0 || example.text.trim() === '') return [];
      const made = await call('backward', await call('forward', example.text, key), key);
      return made.trim() === '' || made.trim() === example.text.trim() ? [] : [{ ...example, text: made }];
    },
  };
}
