import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { locateNativeKernels } from '@tesserae/backend-onnx';
import { selectBackend } from '@tesserae/core';
import { lineChart } from '@tesserae/display';
import type { Study, StudyResult } from '../study';
import { ways } from './attend';
import { keepQuality } from './quality';
import type { Kept } from './quality';
import { quality, timing } from './setting';
import { exponentOf, timeAll, weighAll } from './timing';
import type { Curve } from './timing';

const parts = ['timing', 'memory', 'quality'] as const;

/**
 * Attention patterns: do time and memory grow linearly, how much faster than dense attention is a window, and do models
 * trained at a short length keep their perplexity in texts far longer? Only the part `timing` wants a quiet machine.
 */
export const sparseAttention: Study = Object.assign(
  async ({ folder, say, seed = quality.seed, part }: Parameters<Study>[0]): Promise<StudyResult> => {
    const found: StudyResult[] = [];
    for (const one of part === undefined ? parts : parts.filter((name) => name === part)) {
      if (one === 'timing') found.push(await timingPart(folder, say));
      if (one === 'memory') found.push(await memoryPart(folder, say));
      if (one === 'quality') found.push(await qualityPart(folder, say, seed));
    }
    return {
      figures: Object.assign({}, ...found.map(({ figures }) => figures)) as StudyResult['figures'],
      wanted: Object.assign({}, ...found.map(({ wanted }) => wanted)) as StudyResult['wanted'],
      absent: found.flatMap(({ absent }) => absent),
      files: found.flatMap(({ files }) => files),
    };
  },
  { parts },
);

type Figures = Record<string, number>;
type Say = (line: string) => void;

/** `sliding window` → `slidingWindow`. */
const camel = (name: string): string =>
  name.replace(/,/g, '').replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase());

/** The value at the longest length of each curve, and the power of the length with which it grows. */
function figuresOf(curves: readonly Curve[], what: string, unit: string, per: number): Figures {
  const figures: Figures = {};
  for (const curve of curves) {
    const name = camel(curve.way.name);
    figures[`${name}.${what}${unit}${curve.lengths.at(-1)! / 1024}k`] = curve.values.at(-1)! * per;
    figures[`${name}.${what}Exponent`] = exponentOf(curve);
  }
  return figures;
}

/** Linear is a power of 1; a little is left to noise. */
function linear(...figures: readonly string[]): StudyResult['wanted'] {
  const patterned = ways().filter(({ pattern }) => pattern !== undefined);
  const names = patterned.flatMap(({ name }) => figures.map((what) => `${camel(name)}.${what}Exponent`));
  return Object.fromEntries(names.map((name) => [name, { atMost: 1.15 }]));
}

async function timingPart(folder: string, say: Say): Promise<StudyResult> {
  const { forward, training } = timeAll(say);
  const speedup = (curves: readonly Curve[]): number => {
    const longest = (name: string): number => curves.find(({ way }) => way.name === name)!.values.at(-1)!;
    return longest('dense') / longest('sliding window');
  };
  const native = locateNativeKernels() !== undefined;
  return {
    figures: {
      ...figuresOf(forward, 'forwardTime', 'Milliseconds', 1000),
      ...figuresOf(training, 'trainingTime', 'Milliseconds', 1000),
      forwardSpeedup16k: speedup(forward),
      trainingSpeedup16k: speedup(training),
    },
    wanted: {
      ...linear('forwardTime', 'trainingTime'),
      ...(native && { forwardSpeedup16k: { atLeast: 8 }, trainingSpeedup16k: { atLeast: 8 } }),
    },
    absent: native
      ? []
      : [{ what: 'the native kernel', reason: 'not built on this machine, so that no speed is asked for' }],
    files: [
      await draw(folder, 'forward-time.svg', 'Attention, forward', 'milliseconds', forward, 1000),
      await draw(folder, 'training-time.svg', 'Attention with gradients', 'milliseconds', training, 1000),
    ],
  };
}

async function memoryPart(folder: string, say: Say): Promise<StudyResult> {
  const curves = weighAll(say);
  return {
    figures: figuresOf(curves, 'trainingMemory', 'Mebibytes', 1 / 2 ** 20),
    wanted: linear('trainingMemory'),
    absent: [],
    files: [
      await draw(folder, 'training-memory.svg', 'Memory of attention with gradients', 'MiB', curves, 1 / 2 ** 20),
    ],
  };
}

async function qualityPart(folder: string, say: Say, seed: number): Promise<StudyResult> {
  await selectBackend({ log: say });
  const kept = await keepQuality(seed, say);
  const figures: Figures = {};
  for (const { name, perplexities } of kept) {
    quality.lengths.forEach((length, at) => (figures[`${camel(name)}.perplexity${length}`] = perplexities[at]));
    figures[`${camel(name)}.perplexityRatio16k`] = perplexities[perplexities.length - 1] / perplexities[0];
  }
  const file = write(path.join(folder, 'perplexity.svg'), await perplexityChart(kept));
  return { figures, wanted: wantedOfQuality, absent: [], files: [file] };
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

async function draw(
  folder: string,
  file: string,
  title: string,
  unit: string,
  curves: readonly Curve[],
  per: number,
): Promise<string> {
  const { svg } = await lineChart({
    title,
    subtitle: `${timing.heads} heads of ${timing.features}, window ${timing.window}`,
    series: curves.map(({ way, lengths, values }) => ({
      name: way.name,
      x: [...lengths],
      y: values.map((value) => Math.max(value * per, 1e-3)),
      dashed: way.standard === true,
    })),
    x: { title: 'tokens', scale: 'log' },
    y: { title: unit, scale: 'log' },
  });
  return write(path.join(folder, file), svg);
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
