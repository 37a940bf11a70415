import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter } from './augmenter';
import { rewriter } from './rewriter';
import type { RewriteOptions } from './rewriter';
import type { Parser, Term } from './parse';
import type { Piece } from './pieces';
import { inCaseOf } from './words';

/**
 * Contractions written out: `I'm` as I am, `won't` as will not. What could be two things (`he's gone`, `John's`, a question's
 * `don't you`) stays as it is.
 *
 * @param options the parser, and whether the text of labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE and E_PARSER
 *
 * Huddleston and Pullum: "The Cambridge Grammar of the English Language" (2002), chapter 18, section 6.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { contractionExpansion } from '@tesserae/trainer';
 * const [made] = await contractionExpansion().augment({ text: "I can't say we're late." }, createKey(1));
 * console.log(made.text); // → I cannot say we are late.
 * ```
 */
export const contractionExpansion: Plugin<
  'augmenter',
  'contraction-expansion',
  (options?: RewriteOptions) => Augmenter
> = /* @__PURE__ */ definePlugin({
  kind: 'augmenter',
  name: 'contraction-expansion',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Contractions are written out',
  create: createContractionExpansion,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:contraction-expansion': typeof contractionExpansion;
  }
}

const whole: Readonly<Record<string, string>> = { "won't": 'will not', "can't": 'cannot', "shan't": 'shall not' };
const endings: Readonly<Record<string, string>> = { "'m": ' am', "'re": ' are', "'ve": ' have', "'ll": ' will' };
const pronoun = /^(?:i|you|he|she|it|we|they|that|there|who|what|here)$/;

/** The word written out; undefined where it could be two things. */
function expand(term: Term, next: Term | undefined, parser: Parser): string | undefined {
  const lower = term.text.toLowerCase().replace('’', "'");
  if (lower === "let's") return `${term.text.slice(0, 3)} us`;
  const mark = lower.lastIndexOf("'");
  if (/n't$/.test(lower)) {
    if (lower === "ain't" || next === undefined || next.tags.has('Pronoun')) return undefined;
    return whole[lower] === undefined ? `${term.text.slice(0, -3)} not` : inCaseOf(term.text, whole[lower]);
  }
  if (mark < 0 || !pronoun.test(lower.slice(0, mark)) || next === undefined) return undefined;
  const stem = term.text.slice(0, mark);
  const ending = lower.slice(mark);
  if (endings[ending] !== undefined) return stem + endings[ending];
  const has = (...tags: string[]): boolean => tags.some((tag) => next.tags.has(tag));
  if (ending === "'s") {
    if (/^been$/i.test(next.text)) return `${stem} has`;
    return has('Gerund', 'Determiner') ||
      (has('Adjective') && !has('PastTense', 'Participle') && !/ed$/.test(next.text))
      ? `${stem} is`
      : undefined;
  }
  if (ending !== "'d") return undefined;
  if (/^been$/i.test(next.text)) return `${stem} had`;
  const past = parser.conjugate(next.text).PastTense; // put, cut, …: had or would
  return has('Infinitive') && past !== next.text.toLowerCase() ? `${stem} would` : undefined;
}

function createContractionExpansion(options: RewriteOptions = {}): Augmenter {
  return rewriter('contraction-expansion', options, ({ text, terms, parser }) => {
    const pieces: Piece[] = [];
    let at = terms[0].start;
    terms.forEach((term, i) => {
      const next = terms[i + 1] as Term | undefined;
      const follows = next !== undefined && /^\s+$/.test(text.slice(term.end, next.start)) ? next : undefined;
      const written = /['’]/.test(term.text) ? expand(term, follows, parser) : undefined;
      if (written === undefined) return;
      if (at < term.start) pieces.push({ start: at, end: term.start });
      pieces.push({ start: term.start, end: term.end, text: written });
      at = term.end;
    });
    return pieces.length === 0 ? undefined : [...pieces, { start: at, end: terms[terms.length - 1].end }];
  });
}
