/** One fine-tuning in a process of its own, so that time and memory are its own: base folder, what to learn, method, seed. */
import { createModel, disposeModel, gpt2, selectBackend, withHead } from '@tesserae/core';
import { loadPretrained, saveAdapter } from '@tesserae/hub';
import {
  adapt,
  adamw,
  classification,
  cosine,
  countLearned,
  evaluate,
  lora,
  sequenceClassification,
  train,
} from '@tesserae/trainer';
import { setting } from './setting';
import type { Method, TaskName, TaskSetting } from './setting';
import { readTask } from './tasks';

/** What a fine-tuning gives. */
export interface FitResult {
  /** Of the texts that were not learned from; absent where only memory is measured. */
  readonly accuracy?: number;
  readonly seconds: number;
  /** The most memory that the process held. */
  readonly peakBytes: number;
  /** Numbers that learn, the head apart. */
  readonly learned: number;
  readonly head: number;
  readonly total: number;
}

const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

/** Learns a task, everything or by LoRA; both read the same rows in the same order. */
async function fitTask(folder: string, name: TaskName, method: Method, seed: number): Promise<FitResult> {
  const data = await readTask(name, seed);
  const base = await loadPretrained(folder);
  const classifier = withHead(base, 'sequence-classification', { numLabels: data.labels, seed });
  const start = method === 'lora' ? adapt(classifier, lora({ ...setting.lora, seed })) : classifier;
  const { rows, labelSmoothing, [method]: how }: TaskSetting = setting.tasks[name];
  const { learningRate } = how;
  const steps = Math.ceil((data.train.length * how.epochs) / rows);
  const began = performance.now();
  const warmupSteps = Math.ceil(steps / 20);
  const { model } = await train(start, {
    data: data.train,
    objective: sequenceClassification({ labelSmoothing }),
    steps,
    batchSize: rows,
    contextLength: setting.context,
    bucketing: { widths: setting.widths },
    optimizer: adamw({ beta2: 0.98, weightDecay: 0.01 }),
    schedule: cosine({ learningRate, minimumLearningRate: learningRate / 20, warmupSteps, totalSteps: steps }),
    seed,
    progress: false,
  });
  const seconds = (performance.now() - began) / 1000;
  const peak = peakBytes();
  const { metrics } = await evaluate(model, classification({ data: data.test }), { batchSize: 64, progress: false });
  if (model.adapter) await saveAdapter(model, `${folder}-${name}`);
  const { adapter, head, total } = countLearned(model);
  disposeModel(model);
  return { accuracy: metrics.accuracy.value, seconds, peakBytes: peak, learned: adapter, head, total };
}

/** A few steps of a larger model with random weights: what each method costs in time and memory. */
async function fitLarge(method: Method, seed: number): Promise<FitResult> {
  const { width, layers, heads, vocabSize, rows, context, steps } = setting.large;
  const size = { hiddenSize: width, numHiddenLayers: layers, numAttentionHeads: heads, vocabSize };
  const drops = { attentionDropout: 0, residualDropout: 0, embeddingDropout: 0 };
  const base = createModel(gpt2, { ...size, ...drops, maxPositionEmbeddings: context }, { seed });
  const start = method === 'lora' ? adapt(base, lora({ rank: setting.lora.rank, seed })) : base;
  const { adapter, head, total } = countLearned(start);
  const data = Array.from({ length: 4096 }, (_, i) => (i * 7919) % vocabSize);
  const began = performance.now();
  await train(start, {
    data,
    steps,
    batchSize: rows,
    contextLength: context,
    optimizer: adamw(),
    seed,
    progress: false,
  });
  const seconds = (performance.now() - began) / 1000;
  return { seconds, peakBytes: peakBytes(), learned: adapter, head, total };
}

async function main(): Promise<void> {
  const [folder, what, method, seed] = process.argv.slice(2) as [string, TaskName | 'large', Method, string];
  await selectBackend({ log: false });
  const result =
    what === 'large' ? await fitLarge(method, Number(seed)) : await fitTask(folder, what, method, Number(seed));
  process.send!(result, () => process.disconnect());
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
