import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { disposeModel, selectBackend } from '@tesserae/core';
import { heatmap, table } from '@tesserae/display';
import { gradnorm, pcgrad, transferMatrix, uncertaintyWeighting } from '@tesserae/trainer';
import type { TransferMatrix } from '@tesserae/trainer';
import type { Study } from '../study';
import { freshTrunk, learnTasks } from './runs';
import { setting } from './setting';
import { readTasks } from './tasks';

/**
 * Four tasks on one small trunk: praise or not of products, films and restaurants, and spam. Is one model for all as good as one
 * for each, does weighing the tasks help the worst of them, and which help each other?
 *
 * All runs begin with the same trunk and give each of their tasks the same number of rows in the same number of steps, so that
 * a task sees as much alone as in company. Scores are accuracies.
 */
export const multiTaskStudy: Study = async ({ folder, say, seed = setting.seed }) => {
  await selectBackend({ log: say });
  const began = performance.now();
  const tasks = readTasks(seed);
  const names = Object.keys(tasks);
  const trunk = freshTrunk(tasks, seed);
  const { steps } = setting;
  const alone: Record<string, number> = {};
  for (const name of names) Object.assign(alone, (await learnTasks(trunk, tasks, [name], { steps, seed })).scores);
  const methods = { uncertainty: uncertaintyWeighting(), gradnorm: gradnorm(), pcgrad: pcgrad() };
  const together: Record<string, Record<string, number>> = {};
  together.equal = (await learnTasks(trunk, tasks, names, { steps, seed })).scores;
  for (const [name, gradients] of Object.entries(methods))
    together[name] = (await learnTasks(trunk, tasks, names, { steps, seed, gradients })).scores;
  say(`\n${tableOf({ alone, ...together }, names)}\n`);
  const matrix = await transferMatrix(
    names,
    async (some) => (await learnTasks(trunk, tasks, some, { steps: setting.transferSteps, seed })).scores,
  );
  say(`${describeTransfer(matrix)}\n`);
  disposeModel(trunk);
  const svg = path.join(folder, 'transfer.svg');
  writeFileSync(svg, await drawn(matrix));
  const worst = names.reduce((low, name) => (together.equal[name] < together.equal[low] ? name : low));
  const means = Object.fromEntries(Object.entries(together).map(([name, scores]) => [name, mean(scores)]));
  const weighted = Object.keys(methods);
  const best = weighted.reduce((high, name) => (together[name][worst] > together[high][worst] ? name : high));
  say(`worst task with equal weights: ${worst}; best weighting there: ${best}`);
  return {
    figures: {
      aloneMean: mean(alone),
      ...Object.fromEntries(Object.entries(means).map(([name, value]) => [`${name}Mean`, value])),
      gainOverAlone: Math.max(...Object.values(means)) - mean(alone),
      worstWithEqual: together.equal[worst],
      worstWithBest: together[best][worst],
      gainOfWorst: together[best][worst] - together.equal[worst],
      seconds: (performance.now() - began) / 1000,
    },
    wanted: { gainOverAlone: { atLeast: 0 }, gainOfWorst: { atLeast: 0.001 } },
    absent: [],
    files: [svg],
  };
};

const mean = (scores: Readonly<Record<string, number>>): number => {
  const values = Object.values(scores);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};

const tableOf = (runs: Readonly<Record<string, Readonly<Record<string, number>>>>, names: readonly string[]): string =>
  table(
    Object.entries(runs).map(([run, scores]) => ({
      weights: run,
      ...Object.fromEntries(names.map((name) => [name, scores[name].toFixed(3)])),
      mean: mean(scores).toFixed(3),
    })),
  ).text;

const describeTransfer = ({ tasks, gains }: TransferMatrix): string =>
  table(
    tasks.map((name, a) => ({
      'trained with': name,
      ...Object.fromEntries(tasks.map((other, b) => [other, a === b ? '' : (100 * gains[a][b]).toFixed(1)])),
    })),
  ).text;

async function drawn({ tasks, gains }: TransferMatrix): Promise<string> {
  const { svg } = await heatmap({
    title: 'Which tasks help which',
    values: gains.map((row) => row.map((gain) => 100 * gain)),
    rowLabels: tasks,
    columnLabels: tasks,
    rowTitle: 'trained with',
    columnTitle: 'measured on',
    valueTitle: 'points more than alone',
    colors: 'diverging',
  });
  return svg;
}
