/**
 * The training step of bench `train` as one process, in one of the ways to run it: `compiled`, `eager` (the same ONNX
 * Runtime, kernel by kernel), `wasm` (TensorFlow.js as it ships). With `report` as a second argument it makes one step and
 * prints what compiling took; else it takes orders from the bench.
 */
import * as tf from '@tensorflow/tfjs-core';
import { selectBackend } from '@tesserae/core';
import type { FlatCompiler, FlatProgram } from '@tesserae/backend-onnx';
import { obey } from '../peer/obey';
import { createStep, shape } from '../train/setting';

const compiler = Symbol.for('tesserae.compile');

/** Writes down each program that the backend compiles. */
function watchCompiler(): FlatProgram[] {
  const backend = tf.backend() as unknown as Record<symbol, FlatCompiler>;
  const compile = backend[compiler];
  const programs: FlatProgram[] = [];
  backend[compiler] = (fn, options) => {
    const program = compile(fn, options);
    programs.push(program);
    return program;
  };
  return programs;
}

async function main(): Promise<void> {
  const [, , way, order] = process.argv;
  const wanted = way === 'wasm' ? 'wasm' : 'onnx';
  const { name, tried } = await selectBackend({ prefer: wanted, log: false });
  if (name !== wanted) throw new Error(`the backend ${wanted} is absent: ${JSON.stringify(tried)}`);
  if (way === 'eager') Object.defineProperty(tf.backend(), compiler, { value: undefined });
  const programs = way === 'compiled' ? watchCompiler() : [];
  const { run } = createStep(
    way === 'compiled' ? Number(process.env.TESSERAE_BENCH_MICRO_BATCH ?? shape.batch) : shape.batch,
  );
  if (order !== 'report') return obey(run);
  await run();
  const sum = (key: 'traceMilliseconds' | 'sessionMilliseconds' | 'nodes' | 'modelBytes'): number =>
    programs.reduce((total, program) => total + program[key], 0);
  console.log(
    JSON.stringify({
      traceMilliseconds: sum('traceMilliseconds'),
      sessionMilliseconds: sum('sessionMilliseconds'),
      nodes: sum('nodes'),
      modelBytes: sum('modelBytes'),
      programs: programs.length,
    }),
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
