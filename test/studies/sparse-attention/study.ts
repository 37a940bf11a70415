import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { locateNativeKernels } from '@tesserae/backend-onnx';
import { selectBackend } from '@tesserae/core';
import { lineChart } from '@tesserae/display';
import type { Study, StudyResult } from '../study';
import { keepQuality } from './quality';
import type { Kept } from './quality';
import { quality, timing } from './setting';
import { exponentOf, measureAll } from './timing';
import type { Curve } from './timing';

/**
 * Attention patterns: do time and memory grow linearly, how much faster than dense attention is a window, and do models
 * trained at a short length keep their perplexity in texts far longer?
 */
export const sparseAttention: Study = async ({ folder, say, seed = quality.seed }) => {
  const curves = measureAll(say);
  await selectBackend({ log: say });
  const kept = await keepQuality(seed, say);
  const files = [
    ...(await drawCurves(curves, folder)),
    write(path.join(folder, 'perplexity.svg'), await perplexityChart(kept)),
  ];
  const native = locateNativeKernels() !== undefined;
  return {
    figures: { ...timeFigures(curves), ...qualityFigures(kept) },
    wanted: { ...wantedOfTime(curves, native), ...wantedOfQuality },
    absent: native
      ? []
      : [{ what: 'the native kernel', reason: 'not built on this machine, so that no speed is asked for' }],
    files,
  };
};

type Figures = Record<string, number>;

/** `sliding window` → `slidingWindow`. */
const camel = (name: string): string =>
  name.replace(/,/g, '').replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase());

function timeFigures(curves: readonly Curve[]): Figures {
  const figures: Figures = {};
  for (const { way, lengths, measured } of curves) {
    const name = camel(way.name);
    const last = measured[measured.length - 1];
    const at = `${lengths[lengths.length - 1] / 1024}k`;
    figures[`${name}.forwardMilliseconds${at}`] = last.forwardSeconds * 1000;
    figures[`${name}.trainingMilliseconds${at}`] = last.trainingSeconds * 1000;
    figures[`${name}.trainingMebibytes${at}`] = last.trainingBytes / 2 ** 20;
    for (const [what, values] of Object.entries(columns(measured))) {
      figures[`${name}.${what}Exponent`] = exponentOf(lengths, values);
    }
  }
  const [dense, window] = ['dense', 'sliding window'].map((name) =>
    curves.find(({ way }) => way.name === name)!.measured.at(-1)!,
  );
  figures.forwardSpeedup16k = dense.forwardSeconds / window.forwardSeconds;
  figures.trainingSpeedup16k = dense.trainingSeconds / window.trainingSeconds;
  return figures;
}

const columns = (measured: Curve['measured']): Record<string, number[]> => ({
  forwardTime: measured.map(({ forwardSeconds }) => forwardSeconds),
  trainingTime: measured.map(({ trainingSeconds }) => trainingSeconds),
  trainingMemory: measured.map(({ trainingBytes }) => Math.max(trainingBytes, 1)),
});

/** Linear is a power of 1; a little is left to noise. */
function wantedOfTime(curves: readonly Curve[], native: boolean): StudyResult['wanted'] {
  const linear = curves
    .filter(({ way }) => way.pattern !== undefined)
    .flatMap(({ way }) =>
      ['forwardTime', 'trainingTime', 'trainingMemory'].map((what) => `${camel(way.name)}.${what}Exponent`),
    );
  const bounds = Object.fromEntries(linear.map((name) => [name, { atMost: 1.15 }]));
  return { ...bounds, ...(native && { forwardSpeedup16k: { atLeast: 8 }, trainingSpeedup16k: { atLeast: 8 } }) };
}

function qualityFigures(kept: readonly Kept[]): Figures {
  const figures: Figures = {};
  for (const { name, perplexities } of kept) {
    quality.lengths.forEach((length, at) => (figures[`${camel(name)}.perplexity${length}`] = perplexities[at]));
    figures[`${camel(name)}.perplexityRatio16k`] = perplexities[perplexities.length - 1] / perplexities[0];
  }
  return figures;
}

const wantedOfQuality: StudyResult['wanted'] = {
  'slidingWindow.perplexityRatio16k': { atMost: 1.03 },
  'attentionSinks.perplexityRatio16k': { atMost: 1.03 },
  'slidingWindow.perplexity256': { atMost: 8 },
  'attentionSinks.perplexity256': { atMost: 8 },
  'dense.perplexityRatio16k': { atLeast: 1.5 },
};

function write(file: string, svg: string): string {
  writeFileSync(file, svg);
  return file;
}

async function drawCurves(curves: readonly Curve[], folder: string): Promise<string[]> {
  const draw = async (
    file: string,
    title: string,
    unit: string,
    pick: (one: Curve['measured'][0]) => number,
  ): Promise<string> => {
    const { svg } = await lineChart({
      title,
      subtitle: `${timing.heads} heads of ${timing.features}, window ${timing.window}`,
      series: curves.map(({ way, lengths, measured }) => ({
        name: way.name,
        x: [...lengths],
        y: measured.map(pick),
        dashed: way.standard === true,
      })),
      x: { title: 'tokens', scale: 'log' },
      y: { title: unit, scale: 'log' },
    });
    return write(path.join(folder, file), svg);
  };
  return [
    await draw('forward-time.svg', 'Attention, forward', 'milliseconds', ({ forwardSeconds }) => forwardSeconds * 1000),
    await draw(
      'training-time.svg',
      'Attention with gradients',
      'milliseconds',
      ({ trainingSeconds }) => trainingSeconds * 1000,
    ),
    await draw('training-memory.svg', 'Memory of attention with gradients', 'MiB', ({ trainingBytes }) =>
      Math.max(trainingBytes / 2 ** 20, 0.1),
    ),
  ];
}

async function perplexityChart(kept: readonly Kept[]): Promise<string> {
  const { svg } = await lineChart({
    title: `Trained at ${quality.context} characters, read at length`,
    subtitle: 'the same 16,384 characters of the validation text, in pieces of each length',
    series: kept.map(({ name, perplexities }) => ({ name, x: [...quality.lengths], y: [...perplexities] })),
    x: { title: 'characters in a piece', scale: 'log' },
    y: { title: 'perplexity a character', scale: 'log' },
  });
  return svg;
}
