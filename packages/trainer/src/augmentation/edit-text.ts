import { checkOptions } from '../options';
import { checkExample, editRules } from './augmentation-errors';
import type { Augmenter, EditOptions, TextExample } from './augmenter';
import { drawsOf } from './draws';
import type { Draws } from './draws';

/** What an augmenter that changes a share of a text consists of. */
export interface TextEditor {
  readonly name: string;
  /** The share, where the options name none. */
  readonly rate: number;
  /** The changed example; undefined where it cannot be changed. */
  edit<E extends TextExample>(example: E, draws: Draws, settings: Required<EditOptions>): E | undefined;
}

/** Changes a share of a text, as the key decides. */
export function editText(editor: TextEditor, options: EditOptions): Augmenter {
  const { name } = editor;
  checkOptions<EditOptions>(name, options, editRules);
  const settings = { rate: options.rate ?? editor.rate, insideSpans: options.insideSpans ?? 'keep' };
  return {
    name,
    hyperparameters: settings,
    augment(example, key) {
      checkExample(name, example);
      const made = editor.edit(example, drawsOf(key), settings);
      return made === undefined ? [] : [made];
    },
  };
}
