// A run that expects to be killed: trains the tiny model, resuming from whatever it finds, and writes the losses down.
import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { selectBackend } from '@tesserae/core';
import { adamw, train } from '@tesserae/trainer';
import { parameterValues, tinyIds, tinyModel } from '../tiny-model';

/** What a finished run writes. */
export interface KillResult {
  losses: number[];
  parameters: string;
  resumedFrom: number;
}

async function main(backend: string, folder: string, result: string): Promise<void> {
  await selectBackend({ prefer: backend as never, log: false, fallback: false });
  const { model, history } = await train(tinyModel(), {
    data: tinyIds(600),
    steps: 160,
    batchSize: 4,
    contextLength: 8,
    optimizer: adamw({ learningRate: 0.02 }),
    evaluateEvery: 7,
    checkpoint: { folder, every: 3 },
    resume: true,
    progress: false,
    callbacks: {
      onStep: () => void process.stdout.write('.'),
      // A killed run must never leave a checkpoint that has to be passed over.
      onWarning: ({ message }) => {
        throw new Error(message);
      },
    },
  });
  const parameters = createHash('sha256')
    .update(JSON.stringify(parameterValues(model)))
    .digest('hex');
  const losses = history.steps.map(({ loss }) => loss);
  writeFileSync(result, JSON.stringify({ losses, parameters, resumedFrom: history.resumedFrom?.step ?? 0 }));
}

const [backend, folder, result] = process.argv.slice(2);
void main(backend, folder, result);
