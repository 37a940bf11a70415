import type { Key } from '@tesserae/core';

/** Where a label stands in a text: start, end (UTF-16 units, the end not included), and what it says. */
export type LabelledSpan = readonly [start: number, end: number, label: string];

/** A text, what is known about it, and whatever else its row holds. */
export interface TextExample {
  readonly text: string;
  /** The class or the score of the whole text. */
  readonly label?: number | string | undefined;
  /** Labels of parts of the text. */
  readonly spans?: readonly LabelledSpan[] | undefined;
}

/** Makes other examples of an example, with labels and spans that still hold. */
export interface Augmenter {
  readonly name: string;
  /** What it was made from: reported beside the results. */
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /**
   * New examples that follow from example and key alone; none where it is not sure, or where nothing can be changed. The
   * example stays as it is; what else its row holds is carried along.
   */
  augment<E extends TextExample>(example: E, key: Key): readonly E[] | Promise<readonly E[]>;
}

/** What may happen to the text of a labelled span: changed with the span kept around it, or left as it is. */
export type InsideSpans = 'keep' | 'refuse';

/** Options of augmenters that change a text here and there. */
export interface EditOptions {
  /** Share of the places that are changed; at least one is. */
  readonly rate?: number;
  /** Change labelled spans too, moving their ends along (`keep`), or leave them as they are (`refuse`): `keep`. */
  readonly insideSpans?: InsideSpans;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Makes other examples of an example. */
    augmenter: Augmenter;
  }
}
