import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { encodeModel } from '../graph/encodeModel';
import { finishGraph } from '../graph/finishGraph';
import { GraphBuilder } from '../graph/graphBuilder';
import { sizeOf } from '../graph/shape';
import type { GraphTensor } from '../graph/types';
import type { CheckedInput, KernelLowering } from '../lowering/types';
import type { Binding, ElementType, Session } from '../runtime/types';
import { elementType } from './errors';
import type { TensorHost } from './host';
import { sessionOptions } from './sessionOptions';
import type { ResolvedOptions } from './options';

/** Runs kernels one at a time. */
export interface EagerExecutor {
  run(
    kernel: KernelLowering,
    inputs: readonly (TensorInfo | undefined)[],
    attributes: Readonly<Record<string, unknown>>,
  ): TensorInfo[];
  readonly sessions: number;
  dispose(): void;
}

/** Where one output of a kernel comes from. */
type OutputPlan = { readonly shape: readonly number[]; readonly dtype: DataType } & (
  | { readonly from: 'input'; readonly index: number }
  | { readonly from: 'fill'; readonly value: number }
  | { readonly from: 'session'; readonly name: string }
);

/** A kernel for certain shapes, types and attributes. */
interface EagerProgram {
  readonly inputs: readonly { readonly name: string; readonly index: number }[];
  readonly outputs: readonly OutputPlan[];
  readonly session?: Session;
  binding?: Binding | undefined;
}

/** A binding holds on to what it ran with; beyond this many bytes it is not kept. */
const keptBytes = 1 << 20;

/** Makes the executor: a bounded cache of one-kernel sessions, the least recently used goes first. */
export function createEagerExecutor(backend: TensorHost, options: ResolvedOptions): EagerExecutor {
  const programs = new Map<string, EagerProgram>();

  const find = (
    kernel: KernelLowering,
    inputs: readonly (TensorInfo | undefined)[],
    attributes: Readonly<Record<string, unknown>>,
  ): EagerProgram => {
    let key = kernel.kernelName;
    for (const input of inputs) key += input ? `|${input.dtype}${input.shape.join()}` : '|';
    key += stringify(attributes);
    const known = programs.get(key);
    if (known) {
      programs.delete(key);
      programs.set(key, known);
      return known;
    }
    const program = build(backend, options, kernel, inputs, attributes);
    programs.set(key, program);
    for (const [oldest, { session, binding }] of programs) {
      if (programs.size <= options.maxEagerSessions) break;
      binding?.dispose();
      session?.dispose();
      programs.delete(oldest);
    }
    return program;
  };

  return {
    run(kernel, inputs, attributes) {
      if (kernel.check) kernel.check(checked(backend, inputs), attributes);
      return runProgram(backend, find(kernel, inputs, attributes), inputs);
    },
    get sessions() {
      return programs.size;
    },
    dispose() {
      for (const { session, binding } of programs.values()) {
        binding?.dispose();
        session?.dispose();
      }
      programs.clear();
    },
  };
}

/** The inputs with their values; nobody keeps the arrays. */
function checked(backend: TensorHost, inputs: readonly (TensorInfo | undefined)[]): CheckedInput[] {
  return inputs.map((input) => ({
    shape: input?.shape ?? [],
    values: (input && backend.record(input.dataId).values) ?? [],
  }));
}

function stringify(attributes: Readonly<Record<string, unknown>> | undefined): string {
  if (!attributes || Object.keys(attributes).length === 0) return '';
  return JSON.stringify(attributes, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

function build(
  backend: TensorHost,
  options: ResolvedOptions,
  kernel: KernelLowering,
  inputs: readonly (TensorInfo | undefined)[],
  attributes: Readonly<Record<string, unknown>>,
): EagerProgram {
  const graph = new GraphBuilder(options.nativeKernels !== undefined, options.session.provider);
  const tensors = inputs.map((input) => input && graph.input(input.shape, elementType(kernel.kernelName, input.dtype)));
  const results = kernel.lower(graph, tensors as GraphTensor[], attributes ?? {});
  const order = inputs.flatMap((input, index) => (input ? [index] : []));
  const computed: GraphTensor[] = [];
  const outputs = results.map((result): OutputPlan => {
    const { shape } = result;
    const dtype = result.dtype as DataType;
    if (result.uniform !== undefined || sizeOf(shape) === 0)
      return { shape, dtype, from: 'fill', value: result.uniform ?? 0 };
    const source = viewed(graph, result);
    const at = graph.inputs.findIndex(({ name }) => name === source.name);
    if (at >= 0) return { shape, dtype, from: 'input', index: order[at] };
    computed.push(result);
    return { shape, dtype, from: 'session', name: '' };
  });
  if (computed.length === 0) return { inputs: [], outputs };
  const finished = finishGraph(graph, computed);
  const session = backend.runtime.createSession(
    encodeModel(finished, kernel.kernelName),
    sessionOptions(options, finished),
  );
  let next = 0;
  return {
    inputs: finished.inputs.flatMap(({ name, used }, i) => (used ? [{ name, index: order[i] }] : [])),
    outputs: outputs.map((output) =>
      output.from === 'session' ? { ...output, name: finished.outputs[next++].name } : output,
    ),
    session,
  };
}

/** The tensor whose elements a tensor shows, in order. */
function viewed(graph: GraphBuilder, tensor: GraphTensor): GraphTensor {
  const node = graph.producer(tensor);
  return node && (node.opType === 'Reshape' || node.opType === 'Identity')
    ? viewed(graph, graph.tensor(node.inputs[0]))
    : tensor;
}

function runProgram(
  backend: TensorHost,
  program: EagerProgram,
  inputs: readonly (TensorInfo | undefined)[],
): TensorInfo[] {
  const { session } = program;
  let bytes = 0;
  const binding = session && (program.binding ??= session.createBinding());
  if (binding) {
    for (const { name, index } of program.inputs) {
      const { dataId, shape } = inputs[index]!;
      const value = backend.valueFor(backend.record(dataId), shape);
      bytes += value.data.byteLength;
      binding.setInput(name, value);
    }
  }
  const outputs = program.outputs.map((output): TensorInfo => {
    const { shape, dtype } = output;
    if (output.from === 'input') {
      const { dataId } = inputs[output.index]!;
      backend.incRef(dataId);
      return { dataId, shape: shape as number[], dtype };
    }
    const values = backend.allocate(shape, dtype);
    if (output.from === 'fill') {
      values.fill(output.value);
      return backend.adopt(values, shape, dtype);
    }
    const value = backend.runtime.createValue(values, shape, dtype as ElementType);
    bytes += values.byteLength;
    binding!.setOutput(output.name, value);
    return backend.adopt(values, shape, dtype, value);
  });
  if (!binding) return outputs;
  try {
    binding.run();
  } catch (error) {
    for (const { dataId } of outputs) backend.disposeData(dataId);
    throw error;
  } finally {
    if (bytes > keptBytes) {
      binding.dispose();
      program.binding = undefined;
    }
  }
  return outputs;
}
