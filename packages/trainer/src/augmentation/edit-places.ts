import type { Augmenter, EditOptions } from './augmenter';
import { placesOf } from './draws';
import type { Draws } from './draws';
import { editText } from './edit-text';
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
export function editPlaces<P>({ name, rate, places, edit }: PlaceEditor<P>, options: EditOptions): Augmenter {
  return editText(
    {
      name,
      rate,
      edit(example, draws, settings) {
        const all = places(example.text);
        if (all.length === 0) return undefined;
        const chosen = draws.choose(all.length, placesOf(all.length, settings.rate));
        const edits = chosen.map((at) => edit(all[at], draws));
        return applyEdits(example, edits, settings.insideSpans);
      },
    },
    options,
  );
}
