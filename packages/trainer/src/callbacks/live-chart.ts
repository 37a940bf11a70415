import { liveLineChart } from '@tesserae/display';
import type { LiveLineChart, Output } from '@tesserae/display';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions, oneOf, rules } from '../options';
import type { TrainingCallback } from './callback';

/** Options of {@link liveChart}. */
export interface LiveChartOptions {
  readonly title?: string;
  /** How losses are spread over their axis: `linear`. */
  readonly scale?: 'linear' | 'log';
  /** Drawings a second at most: 1. */
  readonly updatesPerSecond?: number;
  /** Where to draw, instead of where the program runs. */
  readonly output?: Output;
}

/**
 * Draws training and validation loss while the run goes on: a chart that is redrawn in its place in a notebook, one of
 * characters above the progress bar in a terminal, a line of text every ten seconds elsewhere.
 *
 * A resumed run begins with the curves of what came before; steps that a rollback took back disappear.
 *
 * @param options title, scale, drawings a second, where to
 * @returns the callback
 * @throws E_OPTION, E_UNKNOWN_OPTION for options that cannot be
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { createModel, disposeModel, gpt2 } from '@tesserae/core';
 * import { liveChart, sgd, train } from '@tesserae/trainer';
 * const config = { vocabSize: 4, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const start = createModel(gpt2, config, { seed: 1 });
 * const data = Array.from({ length: 200 }, (_, i) => i % 4);
 * const lines: string[] = [];
 * const output = { environment: 'plain', stream: { write: (text: string) => lines.push(text) } } as const;
 * const options = { data, steps: 5, batchSize: 2, optimizer: sgd(), progress: false };
 * const { model } = await train(start, { ...options, callbacks: liveChart({ output }) });
 * console.log(lines[0].startsWith('Loss  training')); // → true
 * disposeModel(start);
 * disposeModel(model);
 * ```
 */
export const liveChart: Plugin<'callback', 'live-chart', (options?: LiveChartOptions) => TrainingCallback> =
  /* @__PURE__ */ definePlugin({
    kind: 'callback',
    name: 'live-chart',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Draws training and validation loss while the run goes on',
    create: createLiveChart,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'callback:live-chart': typeof liveChart;
  }
}

function createLiveChart(options: LiveChartOptions = {}): TrainingCallback {
  checkOptions<LiveChartOptions>('live-chart', options, {
    title: rules.string,
    scale: oneOf('linear', 'log'),
    updatesPerSecond: rules.positive,
    output: rules.object,
  });
  const { title = 'Loss', scale = 'linear', updatesPerSecond = 1, output = {} } = options;
  let chart: LiveLineChart | undefined;
  const training = (step: number, loss: number): void => chart?.add('training', step, loss);
  const validation = (step: number, loss: number): void => chart?.add('validation', step, loss);
  return {
    name: 'live-chart',
    onStart({ history: { steps, evaluations } }) {
      chart = liveLineChart({
        title,
        x: { title: 'step' },
        y: { title: 'nats per token', scale },
        updatesPerSecond,
        text: true,
        smooth: ['training'],
        output,
      });
      for (const { step, loss } of steps) training(step, loss);
      for (const { step, loss } of evaluations) validation(step, loss);
    },
    onStep: ({ step, loss }) => training(step, loss),
    onEvaluate: ({ step, loss }) => validation(step, loss),
    onRollback: ({ to }) => chart?.removeAfter(to),
    async close() {
      await chart?.end();
      chart = undefined;
    },
  };
}
