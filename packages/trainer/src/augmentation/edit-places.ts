import { checkOptions } from '../options';
import { checkExample, editRules } from './augmentation-errors';
import type { Augmenter, EditOptions } from './augmenter';
import { drawsOf, placesOf } from './draws';
import type { Draws } from './draws';
import { applyEdits } from './pieces';
import type { Edit } from './pieces';

/** What an augmenter that changes a text here and there consists of. */
export interface PlaceEditor<P> {
  readonly name: string;
  readonly rate: number;
  /** The places of a text that can be changed. */
  places(text: string): readonly P[];
  /** The change of a place. */
  edit(place: P, draws: Draws): Edit;
}

/** Changes a share of the places of a text, picked by the key. */
export function editPlaces<P>(editor: PlaceEditor<P>, options: EditOptions): Augmenter {
  const { name } = editor;
  checkOptions<EditOptions>(name, options, editRules);
  const { rate = editor.rate, insideSpans = 'keep' } = options;
  return {
    name,
    hyperparameters: { rate, insideSpans },
    augment(example, key) {
      checkExample(name, example);
      const places = editor.places(example.text);
      if (places.length === 0) return [];
      const draws = drawsOf(key);
      const chosen = draws.choose(places.length, placesOf(places.length, rate));
      const edits = chosen.map((at) => editor.edit(places[at], draws));
      const made = applyEdits(example, edits, insideSpans);
      return made === undefined ? [] : [made];
    },
  };
}
