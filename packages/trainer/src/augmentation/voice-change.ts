import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter } from './augmenter';
import { clauseRewriter } from './clause-rewriter';
import type { RewriteOptions } from './rewriter';
import { toActive, toPassive } from './voice';

/**
 * Active sentences in the passive and back: only who, does, what, of whose forms the parser is sure. Tense and number are
 * kept. Questions, negations, quantifiers, two objects, reflexives and possessives that could point elsewhere are refused.
 *
 * @param options the parser, and whether the text of labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE and E_PARSER
 *
 * Huddleston and Pullum: "The Cambridge Grammar of the English Language" (2002), chapter 16, section 10.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { voiceChange } from '@tesserae/trainer';
 * const [made] = await voiceChange().augment({ text: 'The dog chased the cat.' }, createKey(1));
 * console.log(made.text); // → The cat was chased by the dog.
 * ```
 */
export const voiceChange: Plugin<'augmenter', 'voice-change', (options?: RewriteOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'voice-change',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Active sentences become passive, and passive ones active',
    create: createVoiceChange,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:voice-change': typeof voiceChange;
  }
}

function createVoiceChange(options: RewriteOptions = {}): Augmenter {
  return clauseRewriter(
    'voice-change',
    options,
    (clause, sentence) => toActive(clause, sentence) ?? toPassive(clause, sentence),
  );
}
