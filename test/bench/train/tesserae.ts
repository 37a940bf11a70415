/** The training step of the bench, by Tesserae, on the backend named by the first argument; takes orders from the bench. */
import { selectBackend } from '@tesserae/core';
import { obey } from '../peer/obey';
import { createStep, shape } from './setting';

async function main(): Promise<void> {
  const backend = process.argv[2] ?? 'onnx';
  const selected = await selectBackend({ prefer: backend as 'onnx', log: false });
  if (selected.name !== backend) throw new Error(`the backend ${backend} is absent: ${JSON.stringify(selected.tried)}`);
  const step = createStep(Number(process.env.TESSERAE_BENCH_MICRO_BATCH ?? shape.batch));
  await obey(step.run);
  step.dispose();
}

void main();
