import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useOnnx } from '@tesserae/backend-onnx';
import type { FlatCompiler } from '@tesserae/backend-onnx';

/** A tensor by its content. */
export interface Plain {
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly values: readonly number[];
}

/** A kernel call. */
export interface KernelCase {
  readonly kernel: string;
  readonly label?: string;
  readonly inputs: Readonly<Record<string, Plain>> | readonly Plain[];
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Largest difference |a - b| / max(1, |b|); the default is 2e-6. */
  readonly tolerance?: number;
}

/** Numbers that repeat: the same seed gives the same numbers. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

const next = /* @__PURE__ */ randomNumbers(20240817);

/** Random content between low and high; whole numbers for int32, 0 and 1 for bool. */
export function random(shape: number[], dtype: Plain['dtype'] = 'float32', low = -2, high = 2): Plain {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const one = (): number => {
    if (dtype === 'bool') return Number(next() < 0.5);
    const value = low + (high - low) * next();
    return dtype === 'int32' ? Math.floor(value) : Math.fround(value);
  };
  return { shape, dtype, values: Array.from({ length: size }, one) };
}

/** These very numbers. */
export function exactly(
  values: readonly number[],
  dtype: Plain['dtype'] = 'float32',
  shape: number[] = [values.length],
): Plain {
  return { shape, dtype, values: values.map((value) => (dtype === 'float32' ? Math.fround(value) : value)) };
}

export const tensorOf = ({ shape, dtype, values }: Plain): tf.Tensor =>
  tf.tensor(
    dtype === 'float32'
      ? Float32Array.from(values)
      : dtype === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values),
    shape,
    dtype,
  );

export const plainOf = (tensor: tf.Tensor): Plain => ({
  shape: tensor.shape,
  dtype: tensor.dtype as Plain['dtype'],
  values: Array.from(tensor.dataSync()),
});

/** The compiler of the active backend. */
export const compiler = (): FlatCompiler =>
  (tf.backend() as unknown as Record<symbol, FlatCompiler>)[Symbol.for('tesserae.compile')];

/** Runs in tf.tidy what gives something else than tensors. */
export function cleanly<T>(run: () => T): T {
  let result: T | undefined;
  tf.tidy(() => {
    result = run();
  });
  return result!;
}

/** Runs a function of tensors on the reference backend, eagerly on ONNX Runtime, and as one program. */
export async function onEveryExecutor(
  inputs: readonly Plain[],
  fn: (inputs: tf.Tensor[]) => tf.Tensor[],
): Promise<{ cpu: Plain[]; eager: Plain[]; traced: Plain[] }> {
  await tf.setBackend('cpu');
  const cpu = cleanly(() => fn(inputs.map(tensorOf)).map(plainOf));
  await useOnnx({ threads: 1 });
  const eager = cleanly(() => fn(inputs.map(tensorOf)).map(plainOf));
  const program = compiler()(fn, { name: 'case', inputs, donated: inputs.map(() => false) });
  const traced = cleanly(() => program.run(inputs.map(tensorOf)).map(plainOf));
  program.dispose();
  return { cpu, eager, traced };
}

/** Runs one kernel everywhere. */
export async function kernelEverywhere({
  kernel,
  inputs,
  attributes,
}: KernelCase): Promise<{ cpu: Plain[]; eager: Plain[]; traced: Plain[] }> {
  const names = Array.isArray(inputs) ? undefined : Object.keys(inputs);
  const list = Object.values(inputs) as Plain[];
  return onEveryExecutor(list, (tensors) => {
    const given = names ? Object.fromEntries(names.map((name, i) => [name, tensors[i]])) : tensors;
    const result = tf
      .engine()
      .runKernel(kernel, given as unknown as tf.NamedTensorMap, (attributes ?? {}) as unknown as tf.NamedAttrMap);
    return (Array.isArray(result) ? result : [result]) as tf.Tensor[];
  });
}

/** Where two results differ, in words; undefined when they agree. */
export function difference(found: readonly Plain[], expected: readonly Plain[], tolerance = 2e-6): string | undefined {
  if (found.length !== expected.length) return `${expected.length} outputs expected, ${found.length} found`;
  for (const [i, want] of expected.entries()) {
    const got = found[i];
    if (got.shape.join() !== want.shape.join())
      return `output ${i}: shape [${want.shape}] expected, [${got.shape}] found`;
    if (got.dtype !== want.dtype) return `output ${i}: ${want.dtype} expected, ${got.dtype} found`;
    for (const [j, value] of want.values.entries()) {
      const other = got.values[j];
      const close =
        Object.is(other, value) ||
        other === value ||
        Math.abs(other - value) <= tolerance * Math.max(1, Math.abs(value));
      if (!close) return `output ${i}, element ${j}: ${value} expected, ${other} found`;
    }
  }
  return undefined;
}
