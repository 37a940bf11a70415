import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { TokenizerJson } from '@tesserae/tokenizer';
import type { Plain } from '../../checkpoints/format';
import type { Objective, ObjectiveSettings } from '../../objectives/objective';
import type { TextSequences } from '../../objectives/text-rows';
import type { RowSource } from '../rows/row-source';
import type { SourceDescription } from '../rows/row-core';
import type { TextWindows } from '../streams/text-events';
import { pluginOf } from './plugin-description';
import type { PluginDescription } from './plugin-description';

/** Everything that another thread needs to make the same batches: plain data. */
export interface Preparation {
  readonly source: SourceDescription;
  readonly tokenizer: TokenizerJson | null;
  /** What objectives ask of a model; its parameters stay where they are. */
  readonly model: {
    readonly architecture: string;
    readonly encodes: boolean;
    readonly positions: number;
    readonly config: Plain;
  };
  readonly text: Omit<TextWindows, 'tokenizer'> | null;
  readonly rows: {
    /** Of texts that are packed without an objective: how they become sequences. */
    readonly objective: PluginDescription | { readonly texts: Omit<TextSequences, 'tokenizer'> };
    readonly settings: ObjectiveSettings;
  } | null;
}

/** How batches are to be made: as windows of texts, or by an objective. */
export type Making =
  | { readonly text: Omit<TextWindows, 'tokenizer'> }
  | { readonly texts: Omit<TextSequences, 'tokenizer'>; readonly settings: ObjectiveSettings }
  | { readonly objective: Objective; readonly settings: ObjectiveSettings };

/**
 * Describes the preparation of data so that a worker can do it.
 *
 * @throws E_WORKER for what cannot be described: functions of one's own, lists, objectives and tokenizers of other packages
 */
export function describePreparation(model: Model, source: RowSource<unknown>, making: Making): Preparation {
  if (source.description === undefined)
    throw notPortable('the source holds a list, a function of its own, or an augmenter of another package');
  const { architecture, config, tokenizer } = model;
  if (tokenizer !== undefined && typeof tokenizer.toJSON !== 'function')
    throw notPortable('the tokenizer has no toJSON()');
  const common = {
    source: source.description,
    tokenizer: tokenizer?.toJSON() ?? null,
    model: {
      architecture: architecture.name,
      encodes: architecture.encode !== undefined,
      positions: architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings,
      config: JSON.parse(JSON.stringify(config)) as Plain,
    },
  };
  if ('text' in making) return { ...common, text: making.text, rows: null };
  const { settings } = making;
  if ('texts' in making) return { ...common, text: null, rows: { objective: { texts: making.texts }, settings } };
  const objective = pluginOf('objective', making.objective);
  if (objective === undefined) throw notPortable(`the objective '${making.objective.name}' is not one of this package`);
  return { ...common, text: null, rows: { objective, settings } };
}

const notPortable = (why: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_WORKER',
    message: `a worker cannot prepare this data: ${why}`,
    fix: `put what is yours into a module and read it with moduleRows, or leave prepareIn out`,
  });
