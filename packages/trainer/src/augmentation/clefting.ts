import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter } from './augmenter';
import { clauseRewriter } from './clause-rewriter';
import { keep, recase } from './rewriter';
import type { RewriteOptions } from './rewriter';
import { toPassive } from './voice';

/**
 * It-clefts: `The dog chased the cat.` becomes `It was the dog that chased the cat.`, or `It was the cat that the dog
 * chased.`, as the key says. Only who, does, what, without pronouns; refused wherever `voiceChange` would not be sure.
 *
 * @param options the parser, and whether the text of labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE and E_PARSER
 *
 * Huddleston and Pullum: "The Cambridge Grammar of the English Language" (2002), chapter 16, section 9.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { clefting } from '@tesserae/trainer';
 * const [made] = await clefting().augment({ text: 'The dog chased the cat.' }, createKey(1));
 * console.log(made.text.startsWith('It was the ')); // → true
 * ```
 */
export const clefting: Plugin<'augmenter', 'clefting', (options?: RewriteOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'clefting',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Sentences become it-clefts',
    create: createClefting,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:clefting': typeof clefting;
  }
}

function createClefting(options: RewriteOptions = {}): Augmenter {
  return clauseRewriter('clefting', options, (clause, sentence) => {
    if (toPassive(clause, sentence) === undefined) return undefined;
    const { subject, verb, rest } = clause;
    if ([...subject, ...rest].some(({ tags }) => tags.has('Pronoun'))) return undefined;
    const be = { text: `It ${verb.some(({ tags }) => tags.has('PastTense')) ? 'was' : 'is'} ` };
    const start = recase(subject, sentence.text, false);
    const that = { text: ' that ' };
    if (sentence.draws.below(2) === 0)
      return [be, ...start, that, { start: verb[0].start, end: rest[rest.length - 1].end }];
    return [be, ...keep(rest), that, ...start, { text: ' ' }, ...keep(verb)];
  });
}
