import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { loadTokenizer } from '@tesserae/tokenizer';
import { augmenterPlugins } from '../../augmentation/plugins';
import type { Augmenter } from '../../augmentation/augmenter';
import type { Plain } from '../../checkpoints/format';
import type { Objective } from '../../objectives/objective';
import { objectivePlugins } from '../../objectives/plugins';
import { textRows } from '../../objectives/text-rows';
import { badState } from '../rows/row-errors';
import { augmentRows } from '../rows/augment-rows';
import { fileRows } from '../rows/file-rows';
import type { FileRowsSettings } from '../rows/file-rows';
import { mixRows } from '../rows/mix-rows';
import { moduleRows } from '../rows/module-rows';
import type { RowCore, SourceDescription } from '../rows/row-core';
import { shuffleRows } from '../rows/shuffle-rows';
import { repeatRows, shareOfRows, skipRows, takeRows } from '../rows/transform-rows';
import type { BatchEvents } from '../streams/batch-events';
import { packedEvents } from '../streams/packed-events';
import { rowEvents } from '../streams/row-events';
import { textEvents } from '../streams/text-events';
import type { Preparation } from './describe';
import type { PluginDescription } from './plugin-description';

type Described = SourceDescription & { readonly of: SourceDescription };

const builders: Readonly<Record<string, (described: never) => RowCore<unknown>>> = {
  files: ({ where, settings }: { where: string | string[]; settings: FileRowsSettings }) => fileRows(where, settings),
  module: ({ module, name, options }: { module: string; name: string; options: Plain }) =>
    moduleRows(module, { name, options }),
  shuffle: ({ of, buffer, seed }: Described & { buffer: number; seed: number }) =>
    shuffleRows(buildSource(of), { buffer, seed }),
  take: ({ of, count }: Described & { count: number }) => takeRows(buildSource(of), count),
  skip: ({ of, count }: Described & { count: number }) => skipRows(buildSource(of), count),
  share: ({ of, share, inside }: Described & { share: number; inside: boolean }) =>
    shareOfRows(buildSource(of), share, inside),
  repeat: ({ of, times }: Described & { times: number | null }) => repeatRows(buildSource(of), times ?? Infinity),
  augment: ({ of, augmenters, options }: Described & { augmenters: PluginDescription[]; options: object }) =>
    augmentRows(
      buildSource(of),
      augmenters.map((one) => build<Augmenter>(augmenterPlugins, one)),
      options,
    ),
  mix: ({
    of,
    seed,
    until,
  }: {
    of: { weight: number; source: SourceDescription }[];
    seed: number;
    until: 'first' | 'all';
  }) =>
    mixRows(
      of.map(({ weight, source }) => ({ weight, source: buildSource(source) })),
      seed,
      until,
    ),
};

/** The source of a description. */
export function buildSource(description: SourceDescription): RowCore<unknown> {
  const builder = builders[String(description.kind)] as
    ((described: SourceDescription) => RowCore<unknown>) | undefined;
  if (builder === undefined) throw badState(`there is no source of the kind ${String(description.kind)}`);
  return builder(description);
}

/** The source and the events of batches that a description stands for. */
export function buildPreparation(preparation: Preparation): { source: RowCore<unknown>; events: BatchEvents } {
  const source = buildSource(preparation.source);
  return { source, events: eventsOf(source, preparation) };
}

function eventsOf(source: RowCore<unknown>, { tokenizer, model, text, rows }: Preparation): BatchEvents {
  const encoder = tokenizer === null ? undefined : loadTokenizer(tokenizer);
  if (text !== null) return textEvents(source, { ...text, tokenizer: encoder! });
  const { objective: described, settings } = rows!;
  const objective: Pick<Objective, 'name' | 'prepare'> =
    'texts' in described
      ? textRows({ ...described.texts, tokenizer: encoder! })
      : build<Objective>(objectivePlugins, described);
  const learner = {
    architecture: {
      name: model.architecture,
      positionLimit: () => model.positions,
      ...(model.encodes && { encode: () => undefined }),
    },
    config: model.config,
    get params(): never {
      throw tesseraeError({
        package: 'trainer',
        plugin: 'train',
        code: 'E_WORKER',
        message: `the objective '${objective.name}' looks at the model's answers, and a worker has no parameters`,
        fix: 'leave prepareIn out',
      });
    },
    ...(encoder && { tokenizer: encoder }),
  } as unknown as Model;
  return (settings.packing ? packedEvents : rowEvents)(source, { objective, model: learner, settings });
}

type Creator = { readonly name: string };

function build<T>(plugins: readonly Creator[], { name, options }: PluginDescription): T {
  const plugin = plugins.find((one) => one.name === name) as unknown as (options?: Plain) => T;
  return options === null ? plugin() : plugin(options);
}
