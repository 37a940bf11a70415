import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { disposeModel, selectBackend } from '@tesserae/core';
import { barChart, table } from '@tesserae/display';
import { classifierOf, reportAugmentation } from '@tesserae/trainer';
import { readSentiment, readSpam } from '../classified-texts';
import type { Study } from '../study';
import { learnFromTenth, otherWords, typos } from './learn';
import type { Accuracy, Draw } from './learn';
import { setting } from './setting';
import { measureAgreement } from './similarity';

/**
 * A small encoder learns two tasks from a tenth of their rows: do copies with typing errors and other words help, on the test
 * texts as they are and mistyped? And does the similarity of copies and originals mean what people mean by it?
 *
 * Typing errors in training and testing are of the same four kinds, drawn anew.
 */
export const augmentation: Study = async ({ folder, say, seed }) => {
  await selectBackend({ log: say });
  const began = performance.now();
  const seeds = seed === undefined ? setting.seeds : setting.seeds.map((one) => one + 100 * seed);
  const draws: Record<string, Draw[]> = {};
  for (const [name, read] of [
    ['spam', readSpam],
    ['sentiment', readSentiment],
  ] as const) {
    draws[name] = [];
    for (const one of seeds) {
      const draw = await learnFromTenth(read(), one);
      draws[name].push(draw);
      const { plain, augmented } = draw;
      say(
        `${name}, seed ${one}: clean ${change(plain, augmented, 'clean')}, typos ${change(plain, augmented, 'typos')}`,
      );
    }
  }
  say(`\n${await describeAugmenters(draws.sentiment[0])}\n`);
  for (const { model } of Object.values(draws).flat()) disposeModel(model);
  const agreement = measureAgreement();
  say(`Pearson's r with people's ratings\n${table(agreement.map((row) => ({ ...row }))).text}`);
  const svg = path.join(folder, 'accuracy.svg');
  writeFileSync(svg, await drawn(draws));
  const all = Object.values(draws);
  return {
    figures: {
      ...Object.fromEntries(
        Object.entries(draws).flatMap(([name, list]) => [
          [`${name}CleanGain`, gain(list, 'clean')],
          [`${name}TyposGain`, gain(list, 'typos')],
        ]),
      ),
      cleanGain: mean(all.map((list) => gain(list, 'clean'))),
      typosGain: mean(all.map((list) => gain(list, 'typos'))),
      ...Object.fromEntries(agreement.map(({ set, similarity }) => [`similarity ${set}`, similarity])),
      seconds: (performance.now() - began) / 1000,
    },
    wanted: {
      cleanGain: { atLeast: 2 },
      typosGain: { atLeast: 5 },
      'similarity answer-answer': { atLeast: 0.6 },
      'similarity postediting': { atLeast: 0.8 },
      'similarity question-question': { atLeast: 0.6 },
    },
    absent: [],
    files: [svg],
  };
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const change = (before: Accuracy, after: Accuracy, on: keyof Accuracy): string =>
  `${(100 * before[on]).toFixed(1)} → ${(100 * after[on]).toFixed(1)} %`;

/** In points. */
const gain = (draws: readonly Draw[], on: keyof Accuracy): number =>
  100 * mean(draws.map(({ plain, augmented }) => augmented[on] - plain[on]));

/** What each augmenter does, by the model that learned from copies. */
async function describeAugmenters({ model, learned }: Draw): Promise<string> {
  const { augmenters } = await reportAugmentation(
    learned,
    [...typos(setting.letterRate), ...otherWords(setting.wordRate)],
    { classify: classifierOf(model), copies: 2 },
  );
  const rows = augmenters.map(({ augmenter, made, asked, labels, ...rest }) => ({
    augmenter,
    made: `${made} of ${asked}`,
    'label kept': labels?.agreement.toFixed(3),
    'word edits': rest.wordEdits.toFixed(3),
    similarity: rest.similarity.toFixed(3),
    'self-BLEU': rest.selfBleu.toFixed(1),
    'distinct-2': rest.distinct2.toFixed(3),
  }));
  return table(rows).text;
}

async function drawn(draws: Readonly<Record<string, readonly Draw[]>>): Promise<string> {
  const bars = Object.entries(draws).flatMap(([name, list]) =>
    (['clean', 'typos'] as const).flatMap((on) =>
      (['plain', 'augmented'] as const).map((series) => ({
        label: `${name}, ${on}`,
        series,
        value: 100 * mean(list.map((draw) => draw[series][on])),
      })),
    ),
  );
  const { svg } = await barChart({
    title: 'A tenth of the data, with and without copies',
    bars,
    valueTitle: 'accuracy, %',
  });
  return svg;
}
