import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createModel, disposeModel, gpt2, selectBackend } from '@tesserae/core';
import { adamw, createTokenDataset, earlyStopping, jsonLines, lossSpikes, tensorBoard, train } from '@tesserae/trainer';
import type { TrainingCallback, TrainOptions } from '@tesserae/trainer';
import { median } from '../bench';
import type { Bench, Row } from '../bench';

const shape = {
  vocabSize: 1024,
  hiddenSize: 192,
  numHiddenLayers: 4,
  numAttentionHeads: 6,
  maxPositionEmbeddings: 128,
};

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

/** The same training of eight rows a step, bare and with more and more around it. */
const arms: Readonly<Record<string, (folder: string) => Partial<TrainOptions>>> = {
  bare: () => ({ gradientClipNorm: null }),
  clipped: () => ({ gradientClipNorm: 1, gradientClipValue: 10 }),
  everything,
  'everything, two batches a step': (folder) => ({ ...everything(folder), batchSize: 4, accumulationSteps: 2 }),
};

/** Steps a turn, with one evaluation and two kept states. */
const STEPS = 50;

/** Milliseconds a step of each arm's last turns; the first step of a turn compiles and does not count. */
export const loopBench: Bench = async ({ rounds, say }) => {
  await selectBackend({ prefer: 'onnx', fallback: false, log: false });
  const start = createModel(gpt2, shape, { seed: 1 });
  const data = createTokenDataset(Int32Array.from({ length: 40_000 }, (_, i) => (i * 7) % shape.vocabSize));
  const times = new Map<string, number[]>(Object.keys(arms).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, more] of Object.entries(arms)) times.get(name)!.push(await turn(start, data, more));
    say(`round ${round + 1} of ${rounds}`);
  }
  disposeModel(start);
  const bare = times.get('bare')!;
  const rows = [...times].map(([peer, all]): Row => {
    const overhead = median(all.map((milliseconds, i) => milliseconds / bare[i])); // pairs stand close in time
    return { peer, ratio: 1 / overhead, stepMilliseconds: median(all), overheadPercent: 100 * (overhead - 1) };
  });
  return {
    rows,
    absent: [],
    notes: [`${STEPS} steps a turn, one evaluation of two batches and two kept states in it`],
  };
};

/** Milliseconds a step of one training, from the end of its second step to its end. */
async function turn(
  start: ReturnType<typeof createModel>,
  data: TrainOptions['data'],
  more: (folder: string) => Partial<TrainOptions>,
): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-bench-'));
  let began = 0;
  const clock: TrainingCallback = { onStep: ({ step }) => void (step === 2 && (began = performance.now())) };
  const { callbacks = [], ...options } = more(folder);
  try {
    const { model } = await train(start, {
      data,
      steps: STEPS + 2,
      batchSize: 8,
      optimizer: adamw({ learningRate: 1e-4 }),
      progress: false,
      ...options,
      callbacks: [...(callbacks as readonly TrainingCallback[]), clock],
    });
    const milliseconds = (performance.now() - began) / STEPS;
    disposeModel(model);
    return milliseconds;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
