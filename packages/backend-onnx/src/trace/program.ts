import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { backendError } from '../backend/errors';
import type { TensorHost } from '../backend/host';
import type { TensorRecord, TensorValues } from '../backend/tensorRecord';
import type { FinishedGraph } from '../graph/finishGraph';
import { sameShape } from '../graph/shape';
import type { Binding, Session, Value } from '../runtime/types';
import type { InPlacePair } from './inPlace';
import type { FlatCompileOptions } from './types';

/** What is known about a program. */
export interface ProgramFacts {
  readonly nodes: number;
  readonly modelBytes: number;
  readonly capturedBytes: number;
  readonly inPlaceOutputs: number;
  readonly traceMilliseconds: number;
  readonly sessionMilliseconds: number;
}

/** A traced function with its session. */
export interface Program {
  run(inputs: readonly tf.Tensor[]): tf.Tensor[];
  runAsync(inputs: readonly tf.Tensor[], options: { signal?: AbortSignal }): Promise<tf.Tensor[]>;
  saveModel(path: string): void;
  endProfiling(): string;
  dispose(): void;
  readonly facts: ProgramFacts;
}

/**
 * A binding and what is bound in it, so that the same value again costs nothing, and the same tensor (a weight) is not
 * even looked at: between two runs the caches hold nothing of what a look needs.
 */
interface Slot {
  readonly binding: Binding;
  readonly tensors: (tf.Tensor | undefined)[];
  readonly records: TensorRecord[];
  readonly inputs: (Value | undefined)[];
  readonly outputs: (Value | undefined)[];
}

/** One call in progress. */
interface Call {
  readonly slot: Slot;
  readonly records: readonly TensorRecord[];
  readonly results: readonly {
    readonly values: TensorValues;
    readonly value: Value;
    readonly from: number | undefined;
  }[];
}

/** Bindings that lie idle beyond this many are given up: calls that overlap are rare. */
const idleSlots = 2;

/** Ties a session to tensors of the backend. */
export function createProgram(
  backend: TensorHost,
  options: FlatCompileOptions,
  graph: FinishedGraph,
  session: Session,
  model: Uint8Array,
  pairs: readonly InPlacePair[],
  facts: ProgramFacts,
): Program {
  const { name } = options;
  const engine = tf.engine();
  const overwrites = new Map(pairs.map(({ output, input }) => [output, input]));
  const captured = graph.captured.map(({ tensor, data }) => ({
    name: tensor.name,
    value: backend.runtime.createValue(data, tensor.shape, tensor.dtype),
  }));
  const idle: Slot[] = [];
  let running = 0;
  let disposed = false;

  const take = (): Slot => {
    const binding = (): Binding => bindCaptured(session, captured);
    return idle.pop() ?? { binding: binding(), tensors: [], records: [], inputs: [], outputs: [] };
  };
  const giveBack = (slot: Slot): void => {
    running--;
    if (idle.length < idleSlots && !disposed) idle.push(slot);
    else slot.binding.dispose();
    if (disposed && running === 0) free();
  };
  const free = (): void => {
    for (const { binding } of idle.splice(0)) binding.dispose();
    session.dispose();
    for (const { value } of captured) value.dispose();
  };

  /** Binds inputs and outputs; nothing has happened to the inputs when this throws. */
  const open = (tensors: readonly tf.Tensor[]): Call => {
    checkCount(name, options, tensors);
    const slot = take();
    running++;
    try {
      const { records } = slot;
      tensors.forEach((tensor, at) => {
        if (slot.tensors[at] === tensor && !tensor.isDisposed) return;
        slot.tensors[at] = undefined;
        checkInput(name, options, tensor, at);
        records[at] = backend.record(tensor.dataId);
        if (!records[at].values) throw backend.valueError(records[at]);
      });
      graph.inputs.forEach((input, at) => {
        if (slot.tensors[at] === tensors[at]) return;
        if (input.used) {
          const value = backend.valueFor(records[at], input.shape);
          if (slot.inputs[at] !== value) slot.binding.setInput(input.name, value);
          slot.inputs[at] = value;
        }
        slot.tensors[at] = tensors[at];
      });
      const alone = (at: number): boolean => {
        const record = records[at];
        return (
          record.owned &&
          record.references === 1 &&
          record.busy === 0 &&
          records.indexOf(record) === records.lastIndexOf(record)
        );
      };
      const results = graph.outputs.map((output, at) => {
        const from = overwrites.get(at);
        const inPlace = from !== undefined && alone(from);
        const values = inPlace ? records[from].values! : backend.allocate(output.shape, output.dtype as tf.DataType);
        const value = inPlace
          ? backend.valueFor(records[from], output.shape)
          : backend.runtime.createValue(values, output.shape, output.dtype);
        if (slot.outputs[at] !== value) {
          slot.binding.setOutput(output.name, value);
          slot.outputs[at] = value;
        }
        return { values, value, from: inPlace ? from : undefined };
      });
      return { slot, records: records.slice(), results };
    } catch (error) {
      giveBack(slot);
      throw error;
    }
  };

  /** Disposes what was donated and hands out the outputs. */
  const close = ({ records, results }: Call, tensors: readonly tf.Tensor[]): tf.Tensor[] => {
    for (const { from, value } of results) {
      if (from === undefined) continue;
      records[from].owned = false; // the memory is the output's now, and so is the value
      records[from].bound.splice(records[from].bound.indexOf(value), 1);
    }
    options.donated.forEach((donated, at) => {
      if (donated && !tensors[at].isDisposed) tensors[at].dispose();
    });
    return results.map(({ values, value }, at) => {
      const { shape, dtype } = graph.outputs[at];
      return engine.makeTensorFromTensorInfo(backend.adopt(values, shape, dtype as tf.DataType, value), backend);
    });
  };

  return {
    facts,
    run(tensors) {
      const call = open(tensors);
      try {
        call.slot.binding.run();
      } finally {
        giveBack(call.slot);
      }
      return close(call, tensors);
    },
    async runAsync(tensors, { signal }) {
      const call = open(tensors);
      for (const record of call.records) record.busy++;
      try {
        await call.slot.binding.runAsync(signal ? { signal } : {});
      } finally {
        for (const record of call.records) record.busy--;
        giveBack(call.slot);
      }
      return close(call, tensors);
    },
    saveModel: (path) => writeFileSync(path, model),
    endProfiling: () => session.endProfiling(),
    dispose() {
      if (disposed) return;
      disposed = true;
      if (running === 0) free();
    },
  };
}

function bindCaptured(session: Session, captured: readonly { name: string; value: Value }[]): Binding {
  const binding = session.createBinding();
  for (const { name, value } of captured) binding.setInput(name, value);
  return binding;
}

const fix = 'pass tensors of the shapes and dtypes that the program was compiled for';

function checkCount(name: string, { inputs }: FlatCompileOptions, { length }: readonly tf.Tensor[]): void {
  if (length === inputs.length) return;
  throw backendError('E_PROGRAM_INPUT', `'${name}' takes ${inputs.length} tensors, found ${length}`, fix);
}

function checkInput(name: string, { inputs }: FlatCompileOptions, tensor: tf.Tensor, at: number): void {
  const { shape, dtype } = inputs[at];
  if (tensor.isDisposed)
    throw backendError('E_PROGRAM_INPUT', `input ${at} of '${name}' is disposed`, 'pass a tensor that still lives');
  if (tensor.dtype === dtype && sameShape(tensor.shape, shape)) return;
  throw backendError(
    'E_PROGRAM_INPUT',
    `input ${at} of '${name}' must be [${shape.join()}] ${dtype}, found [${tensor.shape.join()}] ${tensor.dtype}`,
    fix,
  );
}
