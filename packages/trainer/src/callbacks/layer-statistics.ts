import { lineChart } from '@tesserae/display';
import type { Chart } from '@tesserae/display';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { StatisticsRecord, TensorStatistics } from '../loop/history';
import { checkOptions, rules } from '../options';
import type { TrainingCallback } from './callback';

/** Options of {@link layerStatistics}. */
export interface LayerStatisticsOptions {
  /** Steps from one measurement to the next: 50. */
  readonly every?: number;
  /** Is told of every measurement. */
  readonly onRecord?: (record: StatisticsRecord) => void;
}

/** A callback that keeps what it measured. */
export interface LayerStatistics extends TrainingCallback {
  /** What this run measured so far, oldest first. */
  readonly records: readonly StatisticsRecord[];
  /** One curve a layer: the ratio of update to weight when no other is named. */
  draw(statistic?: keyof TensorStatistics): Promise<Chart>;
}

/**
 * Measures gradients and weights, tensor by tensor and layer by layer: norm, mean, largest magnitude, and the ratio of
 * update to weight.
 *
 * It is done by a second form of the compiled step, which runs on these steps alone: the others cost what they cost without.
 * The numbers are a part of the step and change nothing about it. A record holds what was measured; those before a
 * resumption are in the log files.
 *
 * @param options how often, and whom to tell
 * @returns the callback, with `records` and `draw`
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * Reference: the ratio of update to weight as in Karpathy, "Neural Networks: Zero to Hero", lecture 4: about 1e-3.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { layerStatistics, sgd, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const statistics = layerStatistics({ every: 2 });
 * const options = { data, steps: 4, batchSize: 2, optimizer: sgd({ learningRate: 0.1 }), progress: false };
 * const { model } = await train(start, { ...options, callbacks: statistics });
 * console.log(statistics.records.map(({ step, layers }) => [step, layers['layers.0'].updateRatio > 0]));
 * // → [ [ 2, true ], [ 4, true ] ]
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export const layerStatistics: Plugin<
  'callback',
  'layer-statistics',
  (options?: LayerStatisticsOptions) => LayerStatistics
> = /* @__PURE__ */ definePlugin({
  kind: 'callback',
  name: 'layer-statistics',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Measures gradients and weights layer by layer, every so many steps',
  create: createLayerStatistics,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'callback:layer-statistics': typeof layerStatistics;
  }
}

function createLayerStatistics(options: LayerStatisticsOptions = {}): LayerStatistics {
  checkOptions<LayerStatisticsOptions>('layer-statistics', options, {
    every: rules.positiveInteger,
    onRecord: rules.function,
  });
  const { every = 50, onRecord } = options;
  const records: StatisticsRecord[] = [];
  return {
    name: 'layer-statistics',
    statisticsEvery: every,
    records,
    onStatistics(record) {
      records.push(record);
      onRecord?.(record);
    },
    onRollback({ to }) {
      while (records.length > 0 && records[records.length - 1].step > to) records.pop();
    },
    draw(statistic = 'updateRatio') {
      const layers = [...new Set(records.flatMap((record) => Object.keys(record.layers)))];
      const series = layers.map((name) => {
        const of = records.filter((record) => name in record.layers);
        return { name, x: of.map(({ step }) => step), y: of.map((record) => record.layers[name][statistic]) };
      });
      const signed = statistic.endsWith('Mean');
      return lineChart({
        series,
        title: TITLES[statistic],
        x: { title: 'step' },
        y: { scale: signed ? 'linear' : 'log' },
      });
    },
  };
}

const TITLES: Readonly<Record<keyof TensorStatistics, string>> = {
  gradientNorm: 'Norm of the gradients',
  gradientMean: 'Mean of the gradients',
  gradientMaximum: 'Largest magnitude of the gradients',
  weightNorm: 'Norm of the weights',
  weightMean: 'Mean of the weights',
  weightMaximum: 'Largest magnitude of the weights',
  updateRatio: 'Update ÷ weight',
  size: 'Numbers',
};
