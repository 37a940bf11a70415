import { checkOptions, rules } from '../options';
import { checkExample, editRules } from './augmentation-errors';
import type { Augmenter, InsideSpans } from './augmenter';
import { drawsOf } from './draws';
import type { Draws } from './draws';
import { loadParser } from './parse';
import type { CompromiseLibrary, Parser, Term } from './parse';
import { rebuild } from './pieces';
import type { Piece } from './pieces';

/** Options of the augmenters that rewrite sentences. */
export interface RewriteOptions {
  /** Change labelled spans too, moving their ends along (`keep`), or leave them as they are (`refuse`): `keep`. */
  readonly insideSpans?: InsideSpans;
  /** The parser: `compromise`, loaded when it is first needed. */
  readonly lib?: CompromiseLibrary;
}

/** One sentence of a text. */
export interface Sentence {
  /** All of the text. */
  readonly text: string;
  readonly terms: readonly Term[];
  readonly parser: Parser;
  readonly draws: Draws;
}

/** The sentence from its first word to its last in new pieces; undefined where the rule is not sure. */
export type RewriteRule = (sentence: Sentence) => readonly Piece[] | undefined;

/** Rewrites one sentence of a text: of those for which the rule is sure, the one that the key picks. */
export function rewriter(name: string, options: RewriteOptions, rule: RewriteRule): Augmenter {
  checkOptions<RewriteOptions>(name, options, { insideSpans: editRules.insideSpans, lib: rules.function });
  const { insideSpans = 'keep', lib } = options;
  let parser: Promise<Parser> | undefined;
  return {
    name,
    hyperparameters: { insideSpans },
    async augment(example, key) {
      checkExample(name, example);
      parser ??= loadParser(lib);
      const loaded = await parser;
      const { text } = example;
      const draws = drawsOf(key);
      const made = loaded.sentences(text).flatMap((terms) => {
        const pieces = rule({ text, terms, parser: loaded, draws });
        if (pieces === undefined) return [];
        const [start, end] = [terms[0].start, terms[terms.length - 1].end];
        const whole = [{ start: 0, end: start }, ...pieces, { start: end, end: text.length }];
        const kept = whole.filter((one) => one.text !== undefined || (one.start ?? 0) < (one.end ?? 0));
        return rebuild(example, kept, insideSpans) ?? [];
      });
      return made.length === 0 ? [] : [draws.pick(made)];
    },
  };
}

/** Words kept as they are. */
export const keep = (terms: readonly Term[]): Piece[] =>
  terms.length === 0 ? [] : [{ start: terms[0].start, end: terms[terms.length - 1].end }];

/** Words kept, with another first letter: a capital, or none unless the word has its own. */
export function recase(terms: readonly Term[], text: string, capital: boolean): Piece[] {
  const [{ start, end, tags, text: word }] = terms;
  const own = tags.has('ProperNoun') || /^I(?:['’]|$)/.test(word) || /^.+\p{Lu}/u.test(word);
  const [first] = text.slice(start, end);
  const wanted = capital ? first.toUpperCase() : own ? first : first.toLowerCase();
  if (wanted === first) return keep(terms);
  return [
    { start, end: start + first.length, text: wanted },
    { start: start + first.length, end: terms[terms.length - 1].end },
  ];
}
