import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createModel, disposeModel, gpt2, selectBackend } from '@tesserae/core';
import { adamw, createTokenDataset, earlyStopping, jsonLines, lossSpikes, tensorBoard, train } from '@tesserae/trainer';
import type { TrainingCallback, TrainOptions } from '@tesserae/trainer';
import { median } from '../bench';
import type { Bench, Row } from '../bench';
import { createTurns } from './turns';
import type { Turns } from './turns';

const shape = {
  vocabSize: 1024,
  hiddenSize: 192,
  numHiddenLayers: 4,
  numAttentionHeads: 6,
  maxPositionEmbeddings: 128,
};

/** Steps of a round, in which there are one evaluation and two kept states. */
const STEPS = 50;

/** Rows of a step. */
const ROWS = 8;

/** All that a run usually has around its steps. */
const everything = (folder: string): Partial<TrainOptions> => ({
  gradientClipNorm: 1,
  gradientClipValue: 10,
  evaluateEvery: STEPS,
  evaluationBatches: 2,
  callbacks: [
    lossSpikes({ keepEvery: STEPS / 2 }),
    earlyStopping({ patience: 1000 }),
    jsonLines({ file: path.join(folder, 'run.jsonl') }),
    tensorBoard({ folder }),
  ],
});

/** The same training, bare and with more and more around it. The second bare one shows what differs by chance. */
const arms: Readonly<Record<string, (folder: string) => Partial<TrainOptions>>> = {
  bare: () => ({ gradientClipNorm: null }),
  'bare again': () => ({ gradientClipNorm: null }),
  clipped: () => ({ gradientClipNorm: 1, gradientClipValue: 10 }),
  everything,
  'everything, twice the batch a step': (folder) => ({ ...everything(folder), accumulationSteps: 2 }),
  'everything, two half batches a step': (folder) => ({
    ...everything(folder),
    batchSize: ROWS / 2,
    accumulationSteps: 2,
  }),
};

/**
 * Milliseconds for eight rows of each arm. All arms train in one process and take turns step by step; the first round
 * compiles and does not count. What an arm costs more is the sum over the steps of a round of the median difference to the
 * bare step of the same turn, over the rounds: what happens once a round counts once.
 */
export const loopBench: Bench = async ({ rounds, say }) => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
  const start = createModel(gpt2, shape, { seed: 1 });
  const data = createTokenDataset(Int32Array.from({ length: 40_000 }, (_, i) => (i * 7) % shape.vocabSize));
  const names = Object.keys(arms);
  const turns = createTurns(names.length);
  const times = await Promise.all(
    names.map(async (name, run) => {
      const told = (step: number): void => {
        if (run === 0 && step % STEPS === 0) say(step === STEPS ? 'warm' : `round ${step / STEPS - 1} of ${rounds}`);
      };
      try {
        return await timesOf({ start, data, steps: (rounds + 1) * STEPS, turns, run, told }, arms[name]);
      } finally {
        turns.leave(run);
      }
    }),
  );
  disposeModel(start);
  const bare = mediansOf(times[0]);
  const rows = names.map((peer, run): Row => {
    const shares = peer.includes('twice') ? 2 : 1; // of eight rows a step
    const more = mediansOf(times[run].map((time, i) => time / shares - times[0][i]));
    const overhead = sum(more) / sum(bare);
    // What stands at few steps of a round, beyond what every step costs more.
    const usual = median(more) * STEPS;
    return {
      peer,
      ratio: 1 / (1 + overhead),
      stepMilliseconds: median(times[run]) / shares,
      overheadPercent: 100 * overhead,
      ofItNowAndThenPercent: (100 * (sum(more) - usual)) / sum(bare),
    };
  });
  return {
    rows,
    absent: [],
    notes: [`${STEPS} steps a round, one evaluation of two batches and two kept states in it; times for ${ROWS} rows`],
  };
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Of each place in a round the median over the rounds. */
const mediansOf = (times: readonly number[]): number[] =>
  Array.from({ length: STEPS }, (_, place) => median(times.filter((_, i) => i % STEPS === place)));

interface Timed {
  readonly start: ReturnType<typeof createModel>;
  readonly data: TrainOptions['data'];
  readonly steps: number;
  readonly turns: Turns;
  readonly run: number;
  told(step: number): void;
}

/**
 * Milliseconds of each step after the first round of one training: from when it has its turn to when its callbacks are
 * through. What follows a step, such as an evaluation, counts to the next one.
 */
async function timesOf(
  { start, data, steps, turns, run, told }: Timed,
  more: (folder: string) => Partial<TrainOptions>,
): Promise<number[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-bench-'));
  const times: number[] = [];
  let began = 0;
  const turn: TrainingCallback = {
    async onStart() {
      await turns.take(run);
    },
    async onStep({ step }) {
      if (step > STEPS) times.push(performance.now() - began);
      told(step);
      await turns.take(run);
      began = performance.now();
    },
  };
  const { callbacks = [], ...options } = more(folder);
  try {
    const { model } = await train(start, {
      data,
      steps,
      batchSize: ROWS,
      optimizer: adamw({ learningRate: 1e-4 }),
      progress: false,
      ...options,
      callbacks: [...(callbacks as readonly TrainingCallback[]), turn],
    });
    disposeModel(model);
    return times;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
