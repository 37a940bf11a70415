import type { Lexicon, PartOfSpeech } from './wordnet';
import { isNegation } from './negation';
import type { Parser, Term } from './parse';
import { inCaseOf } from './words';
import type { Edit } from './pieces';

/** A word and the words that can stand for it, in its form. */
export interface SynonymPlace extends Term {
  readonly synonyms: readonly string[];
  /** The article before it, which may have to change. */
  readonly article: Term | undefined;
}

/** Verbs whose meaning is mostly in what stands beside them. */
const light = new Set('be have do get go make take let put come give keep set run turn'.split(' '));
const never = [
  'Pronoun',
  'ProperNoun',
  'Possessive',
  'Auxiliary',
  'Modal',
  'Copula',
  'PhrasalVerb',
  'Particle',
  'Value',
];
const also = [
  'Date',
  'Negative',
  'QuestionWord',
  'Comparative',
  'Superlative',
  'Acronym',
  'Abbreviation',
  'Conjunction',
];

/** A base form and the way back to the form it came from; undefined where that is not certain. */
function lemmaOf(
  { text, tags }: Term,
  parser: Parser,
): { lemma: string; part: PartOfSpeech; inflect(word: string): string | undefined } | undefined {
  const lower = text.toLowerCase();
  const same = (word: string): string => word;
  if ([...never, ...also].some((tag) => tags.has(tag))) return undefined;
  if (tags.has('Adjective')) return { lemma: lower, part: 'adjective', inflect: same };
  if (tags.has('Adverb')) return { lemma: lower, part: 'adverb', inflect: same };
  if (tags.has('Singular')) return { lemma: lower, part: 'noun', inflect: same };
  if (tags.has('Plural')) {
    const lemma = parser.singular(lower);
    if (lemma === '' || parser.plural(lemma) !== lower) return undefined;
    const inflect = (word: string): string | undefined => {
      const made = parser.plural(word);
      return made !== '' && made !== word && parser.singular(made) === word ? made : undefined;
    };
    return { lemma, part: 'noun', inflect };
  }
  if (!tags.has('Verb')) return undefined;
  const forms = parser.conjugate(lower);
  const lemma = forms.Infinitive;
  const form = ['Gerund', 'Participle', 'PastTense', 'Infinitive', 'PresentTense'].find((tag) => tags.has(tag));
  if (lemma === undefined || light.has(lemma) || form === undefined) return undefined;
  const formOf = (of: Readonly<Record<string, string | undefined>>): string | undefined =>
    form === 'Participle' ? (of.Participle ?? of.PastTense) : of[form];
  return formOf(forms) === lower
    ? { lemma, part: 'verb', inflect: (word) => formOf(parser.conjugate(word)) }
    : undefined;
}

/** Every word of a text that others can stand for. */
export function synonymPlaces(text: string, parser: Parser, lexicon: Lexicon, meanings: number): SynonymPlace[] {
  return parser.sentences(text).flatMap((terms) =>
    terms.flatMap((term, i) => {
      if (term.text.length < 3 || !/^[a-z]+$/i.test(term.text) || isNegation(term.text)) return [];
      const found = lemmaOf(term, parser);
      if (found === undefined) return [];
      const synonyms = lexicon
        .synonyms(found.lemma, found.part, meanings)
        .flatMap((word) => found.inflect(word) ?? [])
        .filter((word) => /^[a-z]+$/.test(word) && word !== term.text.toLowerCase());
      const before = terms[i - 1] as Term | undefined;
      const article = before !== undefined && /^an?$/i.test(before.text) ? before : undefined;
      const fitting = article === undefined ? synonyms : synonyms.filter((word) => articleOf(word) !== undefined);
      return fitting.length === 0 ? [] : [{ ...term, synonyms: fitting, article }];
    }),
  );
}

/** `a` or `an`; undefined where the spelling does not tell. */
function articleOf(word: string): 'a' | 'an' | undefined {
  if (/^(?:[hu]|eu|ewe|on)/.test(word)) return undefined;
  return /^[aeio]/.test(word) ? 'an' : 'a';
}

/** The word replaced, together with the article before it where that has to change. */
export function replaceWord({ start, end, text, article }: SynonymPlace, synonym: string, whole: string): Edit {
  const word = inCaseOf(text, synonym);
  const right = article === undefined ? undefined : inCaseOf(article.text, articleOf(synonym)!);
  if (article === undefined || right === article.text) return { start, end, text: word };
  return { start: article.start, end, text: right! + whole.slice(article.end, start) + word };
}
