import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { selectBackend } from '@tesserae/core';
import { lineChart } from '@tesserae/display';
import type { TrainingHistory } from '@tesserae/trainer';
import { learnAdvice } from './advice';
import { learnMasked } from './masked';
import { learnSpans } from './spans';
import type { Study } from '../study';

/**
 * Are objectives that go beyond the next token learned? Hidden words and spans on generated texts, held to what frequencies
 * alone would give; and a preference with a known answer, for advice that names what it does not know, on generated pairs: by
 * how the model judges, by what it writes, and by how far it moved. The advice is made up, and no medical advice.
 */
export const preferences: Study = async ({ folder, say, seed = 1 }) => {
  await selectBackend({ log: say });
  const masked = await learnMasked(seed);
  say(`masked words: ${masked.maskedAccuracy.toFixed(3)} right`);
  const spans = await learnSpans(seed);
  say(`spans: ${spans.spanLoss.toFixed(3)} nats, by frequencies ${spans.spanLossOfFrequencies.toFixed(3)}`);
  const { figures, history } = await learnAdvice(seed);
  say(`preferences: ${figures.preferenceAccuracy.toFixed(3)} right`);
  const chart = path.join(folder, 'preference-loss.svg');
  writeFileSync(chart, await drawn(history));
  return {
    figures: { ...masked, ...spans, spanLossShare: spans.spanLoss / spans.spanLossOfFrequencies, ...figures },
    wanted: {
      maskedAccuracy: { atLeast: 0.6 }, // the commonest word: 0.1
      spanLossShare: { atMost: 0.5 },
      preferenceAccuracy: { atLeast: 0.9 },
      rewardMarginGrowth: { atLeast: 0 },
      carefulAfter: { atLeast: 0.8 }, // before: one half
      rightConditionAfter: { atLeast: 0.8 }, // it still answers the question
      divergenceNatsPerToken: { atMost: 0.2 },
    },
    absent: [],
    files: [chart],
  };
};

async function drawn({ steps }: TrainingHistory): Promise<string> {
  const { svg } = await lineChart({
    title: 'Preference for careful answers',
    series: [{ name: 'DPO', x: steps.map(({ step }) => step), y: steps.map(({ loss }) => loss), smooth: true }],
    x: { title: 'step' },
    y: { title: 'loss' },
  });
  return svg;
}
