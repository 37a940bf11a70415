import { isNegation } from './negation';
import type { Sentence } from './rewriter';
import type { Term } from './parse';

/** Who, does, what: a sentence that is nothing more. */
export interface Clause {
  readonly subject: readonly Term[];
  /** Auxiliaries and the verb. */
  readonly verb: readonly Term[];
  readonly rest: readonly Term[];
}

const quantifiers = new Set(
  'all any both each either enough every everybody everyone everything few half less many more most much no none only several some somebody someone something'.split(
    ' ',
  ),
);

/** A statement of plain words: no question, quotation, negation or quantifier, and nothing between its words but spaces. */
export function isPlain({ text, terms }: Sentence, between = /^\s+$/): boolean {
  const end = terms[terms.length - 1].end;
  if (!/^(?:[.!]+(?:\s|$)|\s*$)/.test(text.slice(end))) return false;
  if (terms.some((one, i) => i > 0 && !between.test(text.slice(terms[i - 1].end, one.start)))) return false;
  return terms.every(
    ({ text: word, tags }) =>
      !isNegation(word) &&
      !tags.has('Negative') &&
      !quantifiers.has(word.toLowerCase()) &&
      /^[\p{L}\p{M}-]+$/u.test(word),
  );
}

/** How many words from here on are one noun phrase of a kind that is surely one; 0 when there is none. */
export function nounPhraseAt(terms: readonly Term[], from: number): number {
  let at = from;
  const is = (...tags: string[]): boolean => at < terms.length && tags.some((tag) => terms[at].tags.has(tag));
  if (is('Value', 'Date', 'Unit', 'Expression')) return 0;
  if (is('Pronoun') && !is('Possessive')) return 1;
  if (is('Pronoun') && (at + 1 === terms.length || !/^(?:Noun|Adjective)$/.test(kindOf(terms[at + 1])))) return 1; // her
  if (is('ProperNoun') && !is('Possessive')) {
    while (is('ProperNoun') && !is('Possessive')) at++;
    return is('Noun') && !is('Pronoun') ? 0 : at - from;
  }
  const determined = is('Determiner', 'Possessive');
  if (determined && /^(?:who|which|that|what)$/i.test(terms[at].text)) return 0;
  if (determined) at++;
  while (is('Adjective')) at++;
  const nouns = at;
  while (is('Singular', 'Plural') && !is('ProperNoun', 'Pronoun', 'Possessive', 'Date', 'Value', 'Unit')) at++;
  const bare = !determined && !terms[at - 1]?.tags.has('Plural');
  return at === nouns || at - nouns > 2 || bare ? 0 : at - from;
}

const kindOf = ({ tags }: Term): string => (tags.has('Adjective') ? 'Adjective' : tags.has('Noun') ? 'Noun' : '');

const isVerb = ({ tags }: Term): boolean => tags.has('Verb');

/** Subject, verb and the rest of a plain statement; undefined where the parser's words do not surely make one. */
export function clauseOf(sentence: Sentence): Clause | undefined {
  const { terms } = sentence;
  if (!isPlain(sentence)) return undefined;
  const length = nounPhraseAt(terms, 0);
  let end = length;
  while (end < terms.length && isVerb(terms[end])) end++;
  if (length === 0 || end === length || end === terms.length || terms.slice(end).some(isVerb)) return undefined;
  return { subject: terms.slice(0, length), verb: terms.slice(length, end), rest: terms.slice(end) };
}

/** Whether a noun phrase is one or many; undefined where that is not certain. */
export function isPlural(phrase: readonly Term[]): boolean | undefined {
  const { text, tags } = phrase[phrase.length - 1];
  if (tags.has('Pronoun')) return /^(?:we|us|they|them|you)$/i.test(text);
  if (tags.has('Plural')) return true;
  return tags.has('Singular') || tags.has('ProperNoun') ? false : undefined;
}
