import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter } from './augmenter';
import { rewriter } from './rewriter';
import type { RewriteOptions } from './rewriter';
import { isPlain, nounPhraseAt } from './clause';
import type { Term } from './parse';
import { recase } from './rewriter';

/**
 * The subordinate clause moved to the front or to the end: `We left because it rained.` and `Because it rained, we left.`
 * One subordinate clause of time, reason or condition, and refused where a pronoun could come to mean another, where a
 * negation's reach could change, and where the clause is what the verb says (I know when …).
 *
 * @param options the parser, and whether the text of labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE and E_PARSER
 *
 * Diessel: "The ordering distribution of main and adverbial clauses" (2001).
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { clauseOrder } from '@tesserae/trainer';
 * const [made] = await clauseOrder().augment({ text: 'We left because the rain stopped.' }, createKey(1));
 * console.log(made.text); // → Because the rain stopped, we left.
 * ```
 */
export const clauseOrder: Plugin<'augmenter', 'clause-order', (options?: RewriteOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'clause-order',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'The subordinate clause comes first, or last',
    create: createClauseOrder,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:clause-order': typeof clauseOrder;
  }
}

const subordinators = new Set(
  'because although though while when if after before since until whenever once'.split(' '),
);
const complementVerbs = new Set(
  (
    'know wonder ask tell say see think remember forget decide understand explain hear find check doubt show learn depend ' +
    'care mind like hate love be wait'
  ).split(' '),
);

/** A clause of its own: starts with who, then does. */
const isClause = (terms: readonly Term[]): boolean => {
  const length = nounPhraseAt(terms, 0);
  return length > 0 && (terms[length] as Term | undefined)?.tags.has('Verb') === true;
};

const isThird = ({ text }: Term): boolean => /^(?:he|she|it|they|him|her|them|his|its|their)$/i.test(text);

function createClauseOrder(options: RewriteOptions = {}): Augmenter {
  return rewriter('clause-order', options, (sentence) => {
    const { text, terms, parser } = sentence;
    if (!isPlain(sentence, /^,?\s+$/)) return undefined;
    const heads = terms.flatMap(({ text: word }, i) => (subordinators.has(word.toLowerCase()) ? [i] : []));
    const linked = terms.some(({ text: word }) => /^(?:and|but|or|so|then|that|who|which|whom|whose|as)$/i.test(word));
    if (heads.length !== 1 || linked) return undefined;
    const commas = terms.flatMap((_, i) =>
      i > 0 && text.slice(terms[i - 1].end, terms[i].start).includes(',') ? [i] : [],
    );
    const [head] = heads;
    const cut = head === 0 ? commas[0] : head;
    if (cut === undefined || commas.some((at) => at !== cut)) return undefined;
    const [sub, main] = head === 0 ? [terms.slice(0, cut), terms.slice(cut)] : [terms.slice(cut), terms.slice(0, cut)];
    const named = (part: readonly Term[]): boolean => part.some(({ tags }) => tags.has('Noun') && !tags.has('Pronoun'));
    if (!isClause(sub.slice(1)) || !isClause(main) || (isThird(main[0]) && named(sub))) return undefined;
    const takes = ({ text: word, tags }: Term): boolean =>
      tags.has('Verb') && complementVerbs.has(parser.conjugate(word).Infinitive ?? '');
    if (main.some(takes)) return undefined;
    return head === 0
      ? [...recase(main, text, true), { text: ' ' }, ...recase(sub, text, false)]
      : [...recase(sub, text, true), { text: ', ' }, ...recase(main, text, false)];
  });
}
