import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { disposeModel, selectBackend } from '@tesserae/core';
import { barChart, table } from '@tesserae/display';
import { trainByteLevelBpe } from '@tesserae/tokenizer';
import { createTokenDataset, readTextFile } from '@tesserae/trainer';
import type { DomainReport } from '@tesserae/trainer';
import { dataFolder } from '../data-folder';
import type { Study } from '../study';
import { setting } from './setting';
import { adapt, fit, freshModel } from './stage';

/**
 * A GPT goes from Shakespeare to the Federalist Papers and on to Python's enhancement proposals: how well does it know the new
 * domain, and how much of the old does it forget?
 *
 * Compared are models after the same number of steps on the new domain with the same number of its rows in each: `alone` begins
 * with nothing and sees only the new domain, `plain` goes on from the model of the old one, the others do something against
 * forgetting. Rows of replay come on top. The second stage goes on from the model with replay.
 */
export const domainAdaptation: Study = async ({ folder, say, seed = setting.seed }) => {
  await selectBackend({ log: say });
  const began = performance.now();
  const texts: string[] = [];
  for (const name of setting.texts) texts.push(await readTextFile(path.join(dataFolder(), 'text', `${name}.txt`)));
  const samples = texts.map((text) => text.slice(0, setting.tokenizerCharacters));
  const tokenizer = trainByteLevelBpe(samples, { vocabSize: setting.vocabSize });
  const [first, second, third] = texts.map((text) => createTokenDataset(text, { tokenizer, validationFraction: 0.1 }));
  const fresh = freshModel(tokenizer, seed);
  const bard = await fit(fresh, { data: first, steps: setting.pretrainingSteps, seed });
  const federalist = await adapt({ before: bard, tokenizer, domain: second, previous: [first], seed });
  say(`\nShakespeare → Federalist\n${tableOf(federalist.reports)}\n`);
  const { model, ...peps } = await adapt({
    before: federalist.model,
    tokenizer,
    domain: third,
    previous: [first, second],
    seed,
  });
  say(`\nFederalist → PEPs; forgetting of Shakespeare, then of the Federalist\n${tableOf(peps.reports)}\n`);
  [fresh, bard, federalist.model, model].forEach(disposeModel);
  const svg = path.join(folder, 'forgetting.svg');
  writeFileSync(svg, await drawn(federalist.reports[0]));
  const stages = { federalist: federalist.reports, peps: peps.reports };
  return {
    figures: {
      ...Object.fromEntries(Object.entries(stages).flatMap(([name, reports]) => figuresOf(name, reports))),
      seconds: (performance.now() - began) / 1000,
    },
    wanted: {
      federalistAgainstAlone: { atMost: 1.05 },
      federalistForgettingCut: { atLeast: 0.7 },
      pepsAgainstAlone: { atMost: 1.05 },
      pepsForgettingCut: { atLeast: 0.7 },
    },
    absent: [],
    files: [svg],
  };
};

/** The model with replay against the one that saw the new domain alone, and against plain continued training. */
function figuresOf(stage: string, reports: readonly DomainReport[]): [string, number][] {
  const latest = reports[reports.length - 1];
  const { alone, plain, replay, ewc } = latest.models;
  return [
    [`${stage}AlonePerplexity`, alone.domain.value],
    [`${stage}PlainPerplexity`, plain.domain.value],
    [`${stage}ReplayPerplexity`, replay.domain.value],
    [`${stage}AgainstAlone`, replay.domain.value / alone.domain.value],
    [`${stage}PlainForgotten`, plain.forgotten],
    [`${stage}ReplayForgotten`, replay.forgotten],
    [`${stage}EwcForgettingCut`, ewc.forgettingCut!],
    [`${stage}ForgettingCut`, Math.min(...reports.map(({ models }) => models.replay.forgettingCut!))],
  ];
}

function tableOf(reports: readonly DomainReport[]): string {
  const rows = reports.flatMap(({ before, models }) => [
    { model: 'before', new: before.domain.value.toFixed(2), old: before.previous.value.toFixed(2) },
    ...Object.entries(models).map(([model, scores]) => ({
      model,
      new: scores.domain.value.toFixed(2),
      old: scores.previous.value.toFixed(2),
      'nats forgotten': scores.forgotten.toFixed(3),
      'forgetting cut': scores.forgettingCut?.toFixed(3),
    })),
  ]);
  return table(rows).text;
}

async function drawn({ models }: DomainReport): Promise<string> {
  const { svg } = await barChart({
    title: 'Forgetting of Shakespeare after the Federalist Papers',
    bars: Object.entries(models)
      .filter(([name]) => name !== 'alone')
      .map(([label, { forgotten }]) => ({ label, value: forgotten })),
    valueTitle: 'nats per token',
  });
  return svg;
}
