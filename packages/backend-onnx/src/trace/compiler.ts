import * as tf from '@tensorflow/tfjs-core';
import { backendError } from '../backend/errors';
import type { TensorHost } from '../backend/host';
import { sessionOptions } from '../backend/sessionOptions';
import { encodeModel } from '../graph/encodeModel';
import { finishGraph } from '../graph/finishGraph';
import type { FinishedGraph } from '../graph/finishGraph';
import { planInPlace } from './inPlace';
import { createProgram } from './program';
import type { Program } from './program';
import { Trace } from './trace';
import type { FlatCompileOptions, FlatCompiler, FlatProgram } from './types';

/** Makes the compiler of a backend. */
export function createProgramCompiler(backend: TensorHost): FlatCompiler {
  return (fn, options) => {
    checkOptions(fn, options);
    let program: Program | undefined;
    let disposed = false;
    const compiled = (): Program => {
      if (disposed)
        throw backendError(
          'E_PROGRAM_DISPOSED',
          `the program '${options.name}' is disposed`,
          'compile the function again',
        );
      if (!program) {
        program = build(backend, fn, options);
        backend.programs.add(facade);
      }
      return program;
    };
    const facade: FlatProgram = {
      run: (inputs) => (mustInline(backend) ? inline(fn, inputs) : compiled().run(inputs)),
      runAsync: async (inputs, how = {}) =>
        mustInline(backend) ? inline(fn, inputs) : compiled().runAsync(inputs, how),
      dispose() {
        disposed = true;
        program?.dispose();
        program = undefined;
        backend.programs.delete(facade);
      },
      saveModel: (path) => compiled().saveModel(path),
      endProfiling: () => compiled().endProfiling(),
      get nodes() {
        return program?.facts.nodes ?? 0;
      },
      get modelBytes() {
        return program?.facts.modelBytes ?? 0;
      },
      get capturedBytes() {
        return program?.facts.capturedBytes ?? 0;
      },
      get inPlaceOutputs() {
        return program?.facts.inPlaceOutputs ?? 0;
      },
      get traceMilliseconds() {
        return program?.facts.traceMilliseconds ?? 0;
      },
      get sessionMilliseconds() {
        return program?.facts.sessionMilliseconds ?? 0;
      },
    };
    if (!mustInline(backend)) compiled();
    return facade;
  };
}

/** Inside another compilation, and where gradients are recorded, a compiled function is just a function. */
function mustInline(backend: TensorHost): boolean {
  const engine = tf.engine() as unknown as { isTapeOn?: () => boolean };
  return backend.trace !== undefined || engine.isTapeOn?.() === true;
}

function inline(fn: (inputs: tf.Tensor[]) => tf.Tensor[], inputs: readonly tf.Tensor[]): tf.Tensor[] {
  return tf.tidy(() => {
    const outputs = fn(inputs.slice());
    return outputs.map((output, i) =>
      inputs.includes(output) || outputs.indexOf(output) < i ? tf.clone(output) : output,
    );
  });
}

function checkOptions(fn: unknown, { name, inputs, donated }: FlatCompileOptions): void {
  const fits =
    typeof fn === 'function' &&
    typeof name === 'string' &&
    Array.isArray(inputs) &&
    Array.isArray(donated) &&
    donated.length === inputs.length;
  if (!fits) {
    throw backendError(
      'E_PROGRAM_OPTION',
      'a program needs a function, a name, its inputs, and for each input whether it is donated',
      'use compile of @tesserae/core',
    );
  }
}

function build(backend: TensorHost, fn: (inputs: tf.Tensor[]) => tf.Tensor[], options: FlatCompileOptions): Program {
  const start = performance.now();
  const graph = trace(backend, fn, options);
  const pairs = planInPlace(graph, options.donated);
  const model = encodeModel(graph, options.name);
  const traced = performance.now();
  const { profile } = backend.options;
  const session = backend.runtime.createSession(model, {
    ...sessionOptions(backend.options, graph),
    ...(profile ? { profile } : {}),
  });
  return createProgram(backend, options, graph, session, model, pairs, {
    nodes: graph.nodes.length,
    modelBytes: model.byteLength,
    capturedBytes: graph.captured.reduce((sum, { data }) => sum + data.byteLength, 0),
    inPlaceOutputs: pairs.length,
    traceMilliseconds: traced - start,
    sessionMilliseconds: performance.now() - traced,
  });
}

/** Runs the function once on symbols; nothing that it makes is left behind. */
function trace(
  backend: TensorHost,
  fn: (inputs: tf.Tensor[]) => tf.Tensor[],
  options: FlatCompileOptions,
): FinishedGraph {
  const recording = new Trace(options.name, backend);
  const engine = tf.engine();
  backend.trace = recording;
  try {
    let finished: FinishedGraph | undefined;
    engine.tidy(() => {
      const inputs = options.inputs.map(({ shape, dtype }) =>
        engine.makeTensorFromTensorInfo(recording.input(shape, dtype), backend),
      );
      const outputs = fn(inputs);
      finished = finishGraph(
        recording.graph,
        outputs.map((output) => recording.resolve(output, 'return')),
      );
    });
    return finished!;
  } finally {
    backend.trace = undefined;
  }
}
