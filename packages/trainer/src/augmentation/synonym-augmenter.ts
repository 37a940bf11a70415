import { checkOptions, rules } from '../options';
import { checkExample, editRules } from './augmentation-errors';
import type { Augmenter, EditOptions } from './augmenter';
import { drawsOf, placesOf } from './draws';
import type { Draws } from './draws';
import { loadParser } from './parse';
import type { CompromiseLibrary, Parser } from './parse';
import { applyEdits } from './pieces';
import type { Edit } from './pieces';
import { synonymPlaces } from './synonym-candidates';
import type { SynonymPlace } from './synonym-candidates';
import { loadWordNet } from './wordnet';
import type { Lexicon } from './wordnet';

/** Options of {@link synonymReplacement} and {@link synonymInsertion}. */
export interface SynonymOptions extends EditOptions {
  /** Of how many meanings of a word, the commonest first, synonyms are taken: 1. */
  readonly meanings?: number;
  /** Where synonyms come from: WordNet 3.1, read when it is first needed. */
  readonly lexicon?: Lexicon;
  /** The parser: `compromise`, loaded when it is first needed. */
  readonly lib?: CompromiseLibrary;
}

/** Takes words that have synonyms, picked by the key, and makes changes of them. */
export function synonymAugmenter(
  name: string,
  options: SynonymOptions,
  edit: (place: SynonymPlace, text: string, draws: Draws) => Edit[],
): Augmenter {
  checkOptions<SynonymOptions>(name, options, {
    ...editRules,
    meanings: rules.positiveInteger,
    lexicon: rules.object,
    lib: rules.function,
  });
  const { rate = 0.1, insideSpans = 'keep', meanings = 1, lexicon, lib } = options;
  let loaded: Promise<readonly [Parser, Lexicon]> | undefined;
  let latest: { readonly text: string; readonly places: readonly SynonymPlace[] } | undefined; // copies are of one text
  return {
    name,
    hyperparameters: { rate, insideSpans, meanings },
    async augment(example, key) {
      checkExample(name, example);
      loaded ??= Promise.all([loadParser(lib), lexicon ?? loadWordNet()]);
      const { text } = example;
      const [parser, words] = await loaded;
      if (latest?.text !== text) latest = { text, places: synonymPlaces(text, parser, words, meanings) };
      const { places } = latest;
      if (places.length === 0) return [];
      const draws = drawsOf(key);
      const chosen = draws.choose(places.length, placesOf(places.length, rate));
      const edits = chosen.flatMap((at) => edit(places[at], text, draws));
      const made = applyEdits(example, edits, insideSpans);
      return made === undefined ? [] : [made];
    },
  };
}
