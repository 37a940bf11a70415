import type { Clause } from './clause';
import { isPlural, nounPhraseAt } from './clause';
import type { Parser, Term } from './parse';
import type { Piece } from './pieces';
import { recase } from './rewriter';
import type { Sentence } from './rewriter';

/** Verbs that have no passive, or two objects. */
const unfit = new Set(
  (
    'be have become seem remain resemble lack fit suit cost weigh equal mean marry want like love look feel get let go come ' +
    'arrive last walk run sleep stay live wait give send tell show offer lend teach buy bring make call elect name consider ' +
    'ask pay promise hand pass sell read write cook order find keep leave appoint'
  ).split(' '),
);
/** Of these, those that have one object when a determiner stands before it. */
const plainObject = new Set('buy bring make cook order find read write sell love'.split(' '));

/** Verbs of one form for past and participle that are not regular. */
const sameForm = new Set(
  'taught bought caught built found held kept led left lost made met paid read said sent sold told thought won hit cut put hurt heard fed brought fought spent understood'.split(
    ' ',
  ),
);

export const objectForms: Readonly<Record<string, string>> = { he: 'him', she: 'her', they: 'them', we: 'us', i: 'me' };
const subjectForms: Readonly<Record<string, string>> = { him: 'he', her: 'she', them: 'they', us: 'we', me: 'I' };

/** The participle of a verb; undefined where the parser may not know it. */
export function participleOf(verb: string, parser: Parser): string | undefined {
  const { Participle, PastTense = '' } = parser.conjugate(verb);
  if (Participle !== undefined && /^[a-z]+$/.test(Participle)) return Participle;
  return /^[a-z]+ed$/.test(PastTense) || sameForm.has(PastTense) ? PastTense : undefined;
}

/** A noun phrase in its new place: pronouns in their new form, a capital at the start of the sentence alone. */
export function moved(phrase: readonly Term[], text: string, first: boolean, subject: boolean): Piece[] {
  const [{ start, end, text: word, tags }] = phrase;
  const form = (subject ? subjectForms : objectForms)[word.toLowerCase()];
  if (phrase.length > 1 || form === undefined || !tags.has('Pronoun')) return recase(phrase, text, first);
  return [{ start, end, text: first ? form.charAt(0).toUpperCase() + form.slice(1) : form }];
}

/** A phrase that can change sides without changing whom a pronoun means. */
export const isFree = (phrase: readonly Term[]): boolean =>
  !phrase.some(
    ({ text }) => /^(?:his|her|hers|its|their|it|there|this|that|these|those)$/i.test(text) && !isHer(phrase),
  ) && !/(?:self|selves)$|^(?:other|another)$/i.test(phrase[phrase.length - 1].text);

const isHer = (phrase: readonly Term[]): boolean => phrase.length === 1 && /^her$/i.test(phrase[0].text);

/** The form of `be` in the tense of a verb group, with what stands before it. */
function passiveAuxiliary(verb: readonly Term[], object: readonly Term[]): string | undefined {
  const plural = isPlural(object);
  if (plural === undefined) return undefined;
  const me = /^me$/i.test(object[0].text);
  const last = verb[verb.length - 1];
  const [first] = verb;
  if (verb.length === 1) {
    if (last.tags.has('PastTense')) return plural ? 'were' : 'was';
    return last.tags.has('PresentTense') && !last.tags.has('Gerund') ? (plural ? 'are' : me ? 'am' : 'is') : undefined;
  }
  if (verb.length !== 2) return undefined;
  if (/^(?:will|can|could|must|may|might|should|would)$/.test(first.text)) return `${first.text} be`;
  if (!last.tags.has('PastTense') && !last.tags.has('Participle')) return undefined;
  if (/^had$/.test(first.text)) return 'had been';
  return /^ha(?:s|ve)$/.test(first.text) ? `${plural || me ? 'have' : 'has'} been` : undefined;
}

/** The passive of who does what. */
export function toPassive({ subject, verb, rest }: Clause, { text, parser }: Sentence): Piece[] | undefined {
  if (nounPhraseAt(rest, 0) !== rest.length || !isFree(rest) || !isFree(subject)) return undefined;
  const main = verb[verb.length - 1];
  const infinitive = parser.conjugate(main.text).Infinitive;
  const participle = infinitive && participleOf(infinitive, parser);
  const determined = rest.length > 1 && rest[0].tags.has('Determiner');
  if (!infinitive || !participle || (unfit.has(infinitive) && !(plainObject.has(infinitive) && determined)))
    return undefined;
  const auxiliary = passiveAuxiliary(verb, rest);
  if (auxiliary === undefined || main.tags.has('PhrasalVerb') || main.tags.has('Copula')) return undefined;
  return [
    ...moved(rest, text, true, true),
    { text: ` ${auxiliary} ` },
    { start: verb[0].start, end: main.end, text: participle },
    { text: ' by ' },
    ...moved(subject, text, false, false),
  ];
}

/** The active of what is done by whom. */
export function toActive({ subject, verb, rest }: Clause, { text, parser }: Sentence): Piece[] | undefined {
  const agent = rest.slice(1);
  if (!/^by$/.test(rest[0].text) || agent.length === 0 || nounPhraseAt(agent, 0) !== agent.length) return undefined;
  const does = ['Person', 'Actor', 'Organization', 'Pronoun'].some((tag) => agent[agent.length - 1].tags.has(tag));
  const plural = isPlural(agent);
  if (!does || !isFree(agent) || !isFree(subject) || plural === undefined) return undefined;
  const main = verb[verb.length - 1];
  const forms = parser.conjugate(main.text);
  const { Infinitive: infinitive, PastTense: past, PresentTense: present } = forms;
  if (!infinitive || !past || !present || participleOf(infinitive, parser) !== main.text) return undefined;
  const auxiliaries = verb
    .slice(0, -1)
    .map((one) => one.text)
    .join(' ');
  const me = /^me$/i.test(agent[0].text);
  const modal = /^(will|can|could|must|may|might|should|would) be$/.exec(auxiliaries)?.[1];
  const active = /^(?:was|were)$/.test(auxiliaries)
    ? past
    : /^(?:is|are|am)$/.test(auxiliaries)
      ? plural || me
        ? infinitive
        : present
      : modal !== undefined
        ? `${modal} ${infinitive}`
        : /^ha(?:s|ve) been$/.test(auxiliaries)
          ? `${plural || me ? 'have' : 'has'} ${main.text}`
          : auxiliaries === 'had been'
            ? `had ${main.text}`
            : undefined;
  if (active === undefined) return undefined;
  return [
    ...moved(agent, text, true, true),
    { text: ' ' },
    { start: verb[0].start, end: main.end, text: active },
    { text: ' ' },
    ...moved(subject, text, false, false),
  ];
}
