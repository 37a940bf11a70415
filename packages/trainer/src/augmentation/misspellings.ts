import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Augmenter, EditOptions } from './augmenter';
import { editPlaces } from './edit-places';
import { inCaseOf, wordsOf } from './words';

/**
 * Misspellings that people make in English: words that are often written wrong, letters that should be doubled or not, ie
 * for ei, endings that sound alike (-ance and -ence, -able and -ible), silent letters left out.
 *
 * @param options share of the words with a known misspelling that are changed (0.15), and whether labelled spans may change
 * @returns the augmenter, for `augment`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be; `augment` throws E_EXAMPLE
 *
 * Patterns: Mitton, "English Spelling and the Computer" (1996), chapters 3 and 4.
 *
 * @example
 * ```ts
 * import { createKey } from '@tesserae/core';
 * import { misspellings } from '@tesserae/trainer';
 * console.log(misspellings().augment({ text: 'I will definitely come' }, createKey(1))); // → [ { text: 'I will definately come' } ]
 * ```
 */
export const misspellings: Plugin<'augmenter', 'misspellings', (options?: EditOptions) => Augmenter> =
  /* @__PURE__ */ definePlugin({
    kind: 'augmenter',
    name: 'misspellings',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Words are misspelled as people misspell them',
    create: createMisspellings,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'augmenter:misspellings': typeof misspellings;
  }
}

/** Right and wrong in turn. */
const knownPairs =
  'definitely definately separate seperate receive recieve believe beleive until untill which wich their thier ' +
  'weird wierd friend freind because becuase tomorrow tommorow beginning begining government goverment ' +
  'environment enviroment necessary neccessary occurred occured really realy truly truely argument arguement ' +
  'calendar calender grammar grammer surprise suprise restaurant restaraunt business buisness across accross ' +
  'address adress accommodate accomodate embarrass embarass recommend reccomend immediately immediatly ' +
  'probably probly interesting intresting different diffrent library libary february febuary Wednesday Wensday ' +
  'successful succesful disappoint dissapoint disappear dissapear professional proffesional knowledge knowlege ' +
  'privilege priviledge publicly publically basically basicly finally finaly usually usualy especially especialy ' +
  'experience experiance independent independant relevant relevent existence existance ' +
  'committee commitee millennium millenium forty fourty foreign foriegn height heigth length lenght ' +
  'strength strenght through throught though tho tonight tonite people poeple should shoud would woud ' +
  'could coud something somthing everything everthing another anoter before befor said siad ' +
  'awesome awsome beautiful beutiful excellent excelent favourite favorate favorite favorate guarantee garantee ' +
  'humorous humourous maintenance maintainance misspell mispell noticeable noticable possession posession ' +
  'pronunciation pronounciation rhythm rythm schedule schedual threshold threshhold writing writting';

/** A pattern of right spelling and what it is mistaken for. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/ance$/, 'ence'],
  [/ence$/, 'ance'],
  [/ancy$/, 'ency'],
  [/ency$/, 'ancy'],
  [/(?<=[a-z]{3})ant$/, 'ent'],
  [/(?<=[a-z]{3})ent$/, 'ant'],
  [/(?<=[a-z]{2})able$/, 'ible'],
  [/(?<=[a-z]{2})ible$/, 'able'],
  [/(?<=[a-z]{3})ally$/, 'aly'],
  [/(?<=[a-z]{3})ely$/, 'ly'],
  [/(?<=[a-z]{3})eful/, 'full'],
  [/(?<=[a-z]{2})ful$/, 'full'],
  [/ie(?=[a-z]{2})/, 'ei'],
  [/ei(?=[a-z]{2})/, 'ie'],
  [/(?<=[a-z])(?:bb|cc|dd|ff|gg|ll|mm|nn|pp|rr|ss|tt)(?=[a-z])/, 'SINGLE'],
  [/(?<=[aeiou])[lmnprst](?=ing$|ed$)/, 'DOUBLE'],
  [/^wh(?=[aeiy])/, 'w'],
  [/^kn/, 'n'],
  [/^psy/, 'sy'],
  [/(?<=[a-z])mn$/, 'm'],
  [/(?<=s)c(?=[ei])/, ''],
];

let known: ReadonlyMap<string, string> | undefined;

function knownMisspellings(): ReadonlyMap<string, string> {
  if (known !== undefined) return known;
  const words = knownPairs.split(' ');
  const pairs = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) if (!pairs.has(words[i])) pairs.set(words[i].toLowerCase(), words[i + 1]);
  return (known = pairs);
}

/** The ways in which a word is misspelled. */
function wrongWays(word: string): string[] {
  const lower = word.toLowerCase();
  const often = knownMisspellings().get(lower);
  if (often !== undefined) return [often];
  if (lower.length < 5 || !/^[a-z]+$/.test(lower)) return [];
  return patterns.flatMap(([right, wrong]) => {
    const change = (found: string): string =>
      wrong === 'SINGLE' ? found[0] : wrong === 'DOUBLE' ? found + found : wrong;
    const made = lower.replace(right, change);
    return made === lower ? [] : [made];
  });
}

function createMisspellings(options: EditOptions = {}): Augmenter {
  return editPlaces(
    {
      name: 'misspellings',
      rate: 0.15,
      places: (text) =>
        wordsOf(text).flatMap((word) => {
          const ways = wrongWays(word.text);
          return ways.length === 0 ? [] : [{ ...word, ways }];
        }),
      edit: ({ start, end, text, ways }, draws) => ({ start, end, text: inCaseOf(text, draws.pick(ways)) }),
    },
    options,
  );
}
