import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { selectBackend } from '@tesserae/core';
import { formatDuration, lineChart } from '@tesserae/display';
import { evaluateAnswers } from './answers';
import { learnRiddles } from './bert';
import type { FamilyResult } from './family';
import { learnSums } from './gpt';
import { learnDates } from './t5';
import type { Study } from '../study';

/**
 * The three families of transformer, each trained from nothing on one task with generated data: do they all learn? Tests are
 * texts that were never seen. Chance: two gaps of the riddles are a choice of 2 and of 6, a sum is one of 199, a date one of
 * 36,525.
 */
export const families: Study = async ({ folder, say, seed = 1 }) => {
  await selectBackend({ log: say });
  const learned: Record<string, FamilyResult> = {};
  for (const [name, learn] of [
    ['bert', learnRiddles],
    ['t5', learnDates],
    ['gpt', learnSums],
  ] as const) {
    learned[name] = await learn(seed);
    const { score, seconds } = learned[name];
    const metrics = Object.entries(score.metrics).map(([metric, { value }]) => `${metric} ${value.toFixed(3)}`);
    say(`${name}: ${metrics.join(', ')} after ${formatDuration(seconds)}`);
  }
  const { bert, t5, gpt } = learned;
  const chart = path.join(folder, 'losses.svg');
  writeFileSync(chart, await drawn(learned));
  const [pronouns, animals] = evaluateAnswers(bert.score);
  return {
    figures: {
      bertPronouns: pronouns,
      bertAnimals: animals,
      t5Dates: t5.score.metrics.identical.value,
      gptSums: gpt.score.metrics.identical.value,
      ...Object.fromEntries(Object.entries(learned).map(([name, { seconds }]) => [`${name}Seconds`, seconds])),
    },
    wanted: {
      bertPronouns: { atLeast: 0.95 }, // chance 1/2
      bertAnimals: { atLeast: 0.95 }, // chance 1/6
      t5Dates: { atLeast: 0.9 }, // chance 1/36,525
      gptSums: { atLeast: 0.95 }, // chance 1/199
    },
    absent: [],
    files: [chart],
  };
};

async function drawn(learned: Readonly<Record<string, FamilyResult>>): Promise<string> {
  const names: Readonly<Record<string, string>> = { bert: 'BERT: gaps', t5: 'T5: dates', gpt: 'GPT: sums' };
  const { svg } = await lineChart({
    title: 'Three families, three tasks',
    series: Object.entries(learned).map(([name, { history }]) => ({
      name: names[name],
      x: history.steps.map(({ step }) => step),
      y: history.steps.map(({ loss }) => loss),
      smooth: true,
    })),
    x: { title: 'step' },
    y: { title: 'nats per token that counts' },
  });
  return svg;
}
