import { bert, createModel, disposeModel, gpt2, selectBackend } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { trainByteLevelBpe, trainWordPiece } from '@tesserae/tokenizer';
import { completion, maskedLanguageModeling, sgd, train } from '@tesserae/trainer';
import type { Objective, TrainOptions } from '@tesserae/trainer';
import { generateStories } from 'tesserae';
import { median } from '../bench';
import type { Bench, Row } from '../bench';

/** Rows of one to eight sentences of stories. */
const ROWS = 512;
/** Rows of a step that have one of the batch each, and rows of the batch that are filled up. */
const ALONE = 16;
const FILLED = 8;

const shape = {
  vocabSize: 1024,
  hiddenSize: 192,
  numHiddenLayers: 4,
  numAttentionHeads: 6,
  maxPositionEmbeddings: 256,
};

/** A model, rows for it, and what is learned. */
interface Task {
  readonly name: string;
  readonly model: Model;
  readonly data: readonly (string | object)[];
  readonly objective: Objective;
  /** Tokens of all rows. */
  readonly tokens: number;
}

function shortTexts(): string[] {
  const sentences = generateStories({ count: 800, seed: 1 }).flatMap((story) => story.match(/[^.!?]+[.!?]+/g) ?? []);
  let at = 0;
  return Array.from({ length: ROWS }, (_, i) => {
    const count = i % 3 === 0 ? 1 + ((i * 5) % 8) : 1; // most are one sentence
    const some = sentences.slice(at, (at += count));
    return some.map((one) => one.trim()).join(' ');
  });
}

function tasks(): Task[] {
  const texts = shortTexts();
  const pieces = trainByteLevelBpe(texts.join('\n'), { vocabSize: shape.vocabSize });
  const words = trainWordPiece(texts.join('\n'), { vocabSize: shape.vocabSize });
  const prompts = texts.map((text) => {
    const cut = text.indexOf(' ');
    return { prompt: text.slice(0, cut), completion: text.slice(cut) };
  });
  const still = { hiddenDropout: 0, attentionDropout: 0, head: 'masked-lm' } as const;
  const encoder = { ...shape, ...still, intermediateSize: 4 * shape.hiddenSize, padTokenId: words.tokenToId('[PAD]')! };
  const decoder = { ...shape, embeddingDropout: 0, residualDropout: 0, attentionDropout: 0 };
  const count = (lengths: number[]): number => lengths.reduce((sum, length) => sum + length, 0);
  return [
    {
      name: 'GPT, completion',
      model: createModel(gpt2, decoder, { seed: 1, tokenizer: pieces }) as unknown as Model,
      data: prompts,
      objective: completion(),
      tokens: count(
        prompts.map(({ prompt, completion: end }) => pieces.encode(prompt).length + pieces.encode(end).length - 1),
      ),
    },
    {
      name: 'BERT, hidden tokens',
      model: createModel(bert, encoder, { seed: 1, tokenizer: words }) as unknown as Model,
      data: texts,
      objective: maskedLanguageModeling(),
      tokens: count(texts.map((text) => words.encode(text).length)),
    },
  ];
}

const ways: Readonly<Record<string, Pick<TrainOptions, 'batchSize' | 'bucketing' | 'packing'>>> = {
  'padded to the longest': { batchSize: ALONE },
  bucketing: { batchSize: ALONE, bucketing: { batches: ROWS / ALONE } },
  packing: { batchSize: FILLED, packing: true },
};

/** Tokens that are no padding per second, in the second of two epochs: in the first the programs are made. */
async function speed({ model, tokens, ...what }: Task, way: string): Promise<{ perSecond: number; fill: number }> {
  const { data, objective } = what;
  const epoch = ways[way].packing ? Math.ceil(tokens / FILLED / shape.maxPositionEmbeddings) : ROWS / ALONE;
  const options = { data, objective, steps: 2 * epoch, progress: false, ...ways[way] };
  const began: number[] = [];
  const onStep = (): void => void began.push(performance.now());
  const { model: trained, history } = await train(model, { ...options, callbacks: { onStep } });
  disposeModel(trained);
  const seconds = (began[2 * epoch - 1] - began[epoch - 1]) / 1000;
  const steps = history.steps.slice(epoch);
  if (!ways[way].packing) {
    const computed = steps.reduce((sum, { tokensPerSecond }, i) => {
      const milliseconds = began[epoch + i] - began[epoch + i - 1];
      return sum + (tokensPerSecond * milliseconds) / 1000;
    }, 0);
    return { perSecond: tokens / seconds, fill: tokens / computed };
  }
  const fill = steps.reduce((sum, one) => sum + one.fill!, 0) / steps.length;
  return { perSecond: (fill * epoch * FILLED * shape.maxPositionEmbeddings) / seconds, fill };
}

/** The loss over all rows but the first few, before anything is learned. */
async function lossOf({ model, data, objective }: Task, way: string): Promise<number> {
  const { model: trained, history } = await train(model, {
    data,
    objective,
    steps: 1,
    optimizer: sgd({ learningRate: 1e-12 }),
    validationFraction: 0.75,
    evaluateEvery: 1,
    evaluationBatches: ROWS,
    progress: false,
    ...ways[way],
  });
  disposeModel(trained);
  return history.evaluations[0].loss;
}

/** `npm run bench -- packing`: training on short rows, each in a row of its own, and several in one. */
export const packing: Bench = async ({ rounds, say }) => {
  const { name: backend } = await selectBackend({ log: false });
  const rows: Row[] = [];
  for (const task of tasks()) {
    const runs: Record<string, Awaited<ReturnType<typeof speed>>[]> = {};
    for (let round = 0; round < rounds; round++)
      for (const way of Object.keys(ways)) {
        const run = await speed(task, way);
        (runs[way] ??= []).push(run);
        say(`${task.name}, ${way}: ${run.perSecond.toFixed(0)} tokens/s, ${(100 * run.fill).toFixed(1)} % filled`);
      }
    for (const way of Object.keys(ways)) {
      const perSecond = median(runs[way].map((run) => run.perSecond));
      const peer = Object.keys(ways)[0];
      rows.push({
        task: task.name,
        way,
        peer,
        ratio: perSecond / median(runs[peer].map((run) => run.perSecond)),
        tokensPerSecond: perSecond,
        fillPercent: 100 * median(runs[way].map(({ fill }) => fill)),
        // What is hidden is drawn by the place in the batch, so that only the loss of the decoder can be the same.
        ...(task.name.startsWith('GPT') && { loss: (await lossOf(task, way)).toFixed(6) }),
      });
    }
    disposeModel(task.model);
  }
  const notes = [
    `backend ${backend}; ${ROWS} rows; tokens that are no padding, second epoch; the loss before learning`,
  ];
  return { rows, absent: [], notes };
};
