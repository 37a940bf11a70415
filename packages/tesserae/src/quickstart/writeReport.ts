import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { atomicWrite, summary } from '@tesserae/core';
import { formatDuration, formatNumber, heatmap, lineChart, reportPage, table } from '@tesserae/display';
import type { QuickstartStory } from './quickstart';

/** Tokens of the attention map: more do not fit side by side. */
const mostTokens = 24;

/** Writes the page that shows what was learned: one file, nothing loaded from elsewhere. */
export async function writeReport(story: QuickstartStory): Promise<void> {
  const { result, model, history, attention, source, characters } = story;
  const { steps, evaluations } = history;
  const losses = await lineChart({
    title: 'Loss while learning',
    series: [
      { name: 'training', x: steps.map(({ step }) => step), y: steps.map(({ loss }) => loss), smooth: true },
      { name: 'validation', x: evaluations.map(({ step }) => step), y: evaluations.map(({ loss }) => loss) },
    ],
    x: { title: 'step' },
    y: { title: 'nats per token' },
  });
  const tokens = attention.tokens.slice(0, mostTokens).map(visible);
  const map = await heatmap({
    title: `Attention in layer ${attention.layer + 1}`,
    subtitle: 'each row is a token that looks; each column a token that is looked at',
    values: attention.heads.map((rows, head) => ({
      title: `head ${head + 1}`,
      values: rows.slice(0, mostTokens).map((row) => row.slice(0, mostTokens)),
    })),
    rowLabels: tokens,
    columnLabels: tokens,
    causal: true,
    panelColumns: 2,
  });
  const facts = summary(model);
  const page = reportPage({
    title: 'A GPT, trained from nothing',
    subtitle: `${formatNumber(result.parameters)} parameters, ${source}`,
    sections: [
      {
        title: 'In short',
        blocks: [
          {
            facts: [
              {
                label: 'Validation loss',
                value: result.validationLoss.toFixed(3),
                note: `nats per token; guessing costs ${Math.log(model.config.vocabSize).toFixed(2)}`,
              },
              {
                label: 'Speed',
                value: `${formatNumber(Math.round(result.tokensPerSecond))} tokens/s`,
                note: result.backend,
              },
              { label: 'Time', value: formatDuration(result.seconds), note: `${steps.length} steps` },
              { label: 'Text', value: `${formatNumber(characters)} characters`, note: source },
            ],
          },
        ],
      },
      {
        title: 'Learning',
        blocks: [
          {
            chart: losses,
            caption:
              'Training loss of each batch (faint), its running average, and the loss on text that was kept aside.',
          },
        ],
      },
      {
        title: 'What it writes',
        blocks: result.samples.flatMap(({ prompt, before, after }) => [
          { passage: { prompt, continuation: before }, caption: 'before training' },
          { passage: { prompt, continuation: after }, caption: 'after training' },
        ]),
      },
      { title: 'Where it looks', blocks: [{ chart: map }] },
      {
        title: 'What it is made of',
        blocks: [
          {
            item: table(
              facts.rows.map(({ name, shape, count, parameters }) => ({
                weight: name,
                shape: shape.join(' × '),
                layers: count,
                parameters,
              })),
            ),
          },
        ],
      },
      {
        title: 'Go on',
        blocks: [
          { text: 'The model is a Hugging Face folder: config.json, model.safetensors and tokenizer.json.' },
          { code: `npx tesserae generate ${result.modelFolder} --prompt ${JSON.stringify(result.samples[0].prompt)}` },
        ],
      },
    ],
    footer: `Tesserae, seed ${story.options.seed ?? 1}`,
  });
  await mkdir(path.dirname(result.reportFile), { recursive: true });
  await atomicWrite(result.reportFile, async (file) => void (await file.write(new TextEncoder().encode(page))));
}

/** A token as a label: spaces and line ends can be seen. */
const visible = (token: string): string => token.replaceAll(' ', '·').replaceAll('\n', '↵');
