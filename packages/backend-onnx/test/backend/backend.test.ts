import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { useOnnx } from '@tesserae/backend-onnx';
import type { Lowering, OnnxBackend, OnnxBackendOptions, OnnxMemory } from '@tesserae/backend-onnx';
import { isTesseraeError } from '@tesserae/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanly, compiler, random, tensorOf } from '../support/compareBackends';
import type { OnnxRuntimeBackend } from '../../src/backend/onnxBackend';

let backend: OnnxBackend;
/** The memory that a tensor lives in. */
const memoryOf = (x: tf.Tensor): ArrayBufferLike => (backend as OnnxRuntimeBackend).record(x.dataId).values!.buffer;
let tensors = 0;
const memory = (): tf.MemoryInfo & OnnxMemory => tf.memory() as tf.MemoryInfo & OnnxMemory;

beforeEach(async () => {
  backend = await useOnnx({ threads: 1 });
  tensors = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

const codeOf = async (run: () => unknown): Promise<string | undefined> => {
  try {
    await run();
  } catch (error) {
    return isTesseraeError(error) ? error.code : String(error);
  }
  return undefined;
};

describe('data', () => {
  it('is shared with typed arrays, in and out', () => {
    const array = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(array);
    const y = tf.neg(x);
    expect(x.dataSync()).toBe(array);
    expect(y.dataSync()).toBe(y.dataSync());
    tf.dispose([x, y]);
  });

  it('that was read does not change when its tensor is gone', () => {
    const x = tensorOf(random([1000]));
    const y = tf.square(x);
    const read = y.dataSync();
    const before = Array.from(read);
    y.dispose();
    for (let i = 0; i < 5; i++) tf.neg(x).dispose(); // would take the memory over
    expect(Array.from(read)).toEqual(before);
    x.dispose();
  });

  it('is used again for tensors of the same size', () => {
    const x = tensorOf(random([1000]));
    const first = tf.neg(x);
    const buffer = memoryOf(first);
    first.dispose();
    expect(memory().numBytesInPool).toBeGreaterThanOrEqual(4000);
    const second = tf.abs(x);
    expect(memoryOf(second)).toBe(buffer);
    tf.dispose([x, second]);
  });

  it('holds strings, and moves between backends', async () => {
    const words = tf.tensor1d(['a', 'bc']);
    expect(words.dataSync()).toEqual(['a', 'bc']);
    words.dispose();
    const x = tf.tidy(() => tf.square(tf.tensor1d([1, 2])));
    await tf.setBackend('cpu');
    const y = tf.tidy(() => tf.add(x, 1));
    await tf.setBackend('onnx');
    const z = tf.tidy(() => tf.mul(y, 2));
    expect(Array.from(z.dataSync())).toEqual([4, 10]);
    tf.dispose([x, y, z]);
  });

  it('makes any byte of a bool 0 or 1', () => {
    const x = tf.tensor(Uint8Array.of(0, 1, 2, 255), [4], 'bool');
    const y = tf.sum(x);
    expect([Array.from(x.dataSync()), y.dataSync()[0]]).toEqual([[0, 1, 1, 1], 3]);
    tf.dispose([x, y]);
  });

  it('shares memory between a tensor and its reshapes, and counts it once', () => {
    const x = tf.tidy(() => tf.square(tensorOf(random([6]))));
    const start = memory().numDataBuffers;
    const y = tf.reshape(x, [2, 3]);
    expect(memory().numDataBuffers).toBe(start);
    expect(y.dataSync()).toBe(x.dataSync());
    x.dispose();
    expect(y.dataSync()).toHaveLength(6);
    y.dispose();
  });
});

describe('what tf tells', () => {
  it('memory is exact', () => {
    const before = memory();
    const x = tf.zeros([10, 10]);
    const y = tf.tidy(() => tf.add(x, 1));
    const now = memory();
    expect([
      now.numTensors - before.numTensors,
      now.numDataBuffers - before.numDataBuffers,
      now.numBytes - before.numBytes,
    ]).toEqual([2, 2, 800]);
    expect(now.unreliable).toBe(false);
    tf.dispose([x, y]);
    expect(memory().numBytes).toBe(before.numBytes);
    expect(backend.numDataIds()).toBe(memory().numDataBuffers);
  });

  it('profile names the kernels and what they leave', async () => {
    const x = tensorOf(random([8]));
    const profile = await tf.profile(() => tf.sum(tf.square(x)));
    expect(profile.kernels.map(({ name }) => name)).toEqual(expect.arrayContaining(['Square', 'Sum']));
    expect(profile.newBytes).toBe(36);
    tensors += 2; // profile keeps what the function made
    expect(memory().numTensors).toBe(tensors + 1);
    x.dispose();
  });

  it('time runs the function', async () => {
    const x = tensorOf(random([64, 64]));
    let y: tf.Tensor | undefined;
    const info = await tf.time(() => {
      y = tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D);
    });
    expect(info.wallMs).toBeGreaterThanOrEqual(info.kernelMs as number);
    expect(info.kernelMs).toBeGreaterThan(0);
    tf.dispose([x, y!]);
  });

  it('counts cached sessions and programs', () => {
    const program = compiler()(([x]) => [tf.neg(x)], {
      name: 'p',
      inputs: [{ shape: [2], dtype: 'float32' }],
      donated: [false],
    });
    expect(memory().numPrograms).toBe(1);
    program.dispose();
    expect(memory().numPrograms).toBe(0);
  });
});

describe('caches', () => {
  const nineOf = (size: number): number => cleanly(() => tf.square(tf.fill([size], 3)).dataSync()[0]);

  it('keep no more one-kernel sessions than they may', async () => {
    await useOnnx({ threads: 1, maxEagerSessions: 5 });
    for (let size = 1; size <= 20; size++) expect(nineOf(size)).toBe(9);
    expect(memory().numEagerSessions).toBe(5);
    expect(nineOf(1)).toBe(9); // one that was given up
    await useOnnx({ threads: 1 });
    expect(memory().numEagerSessions).toBe(0);
  });

  it('keep no more memory than they may', async () => {
    await useOnnx({ threads: 1, maxPoolBytes: 10_000 });
    for (let size = 400; size <= 2000; size += 100) expect(nineOf(size)).toBe(9);
    expect(memory().numBytesInPool).toBeLessThanOrEqual(10_000);
    expect(memory().numBytesInPool).toBeGreaterThan(0);
    await useOnnx({ threads: 1, maxPoolBytes: 0 });
    expect(nineOf(2000)).toBe(9);
    expect(memory().numBytesInPool).toBe(0);
  });
});

describe('useOnnx', () => {
  it('keeps the backend and its tensors when it is called again', async () => {
    const x = tf.tidy(() => tf.square(tf.tensor1d([1, 2])));
    expect(await useOnnx({ threads: 2 })).toBe(backend);
    expect(cleanly(() => Array.from(tf.add(x, 1).dataSync()))).toEqual([2, 5]);
    x.dispose();
  });

  it.each<[string, OnnxBackendOptions]>([
    ['an unknown option', { thread: 2 } as OnnxBackendOptions],
    ['no threads', { threads: 0 }],
    ['half a thread', { threads: 1.5 }],
    ['an unknown provider', { provider: 'tpu' as 'cpu' }],
    ['an unknown optimization', { graphOptimization: 'most' as 'all' }],
    ['an empty profile', { profile: '' }],
    ['a negative limit', { maxPoolBytes: -1 }],
    ['no sessions', { maxEagerSessions: 0 }],
    ['configuration that is no strings', { configEntries: { a: 1 } as unknown as Record<string, string> }],
    ['native kernels that are no boolean', { nativeKernels: 'yes' as unknown as boolean }],
    ['no object', 'cpu' as OnnxBackendOptions],
    ['null', null as unknown as OnnxBackendOptions],
  ])('refuses %s', async (_what, options) => {
    expect(await codeOf(() => useOnnx(options))).toBe('E_BACKEND_OPTION');
    expect(tf.getBackend()).toBe('onnx');
  });
});

describe('strings', () => {
  it('move and compare', () => {
    const found = cleanly(() => {
      const a = tf.tensor2d([
        ['pear', 'fig'],
        ['apple', 'fig'],
      ]);
      const b = tf.tensor2d([
        ['fig', 'fig'],
        ['pear', 'apple'],
      ]);
      const lists = [
        tf.concat([a, b], 1),
        tf.slice(a, [0, 1], [2, 1]),
        tf.clone(a),
        tf.reshape(a, [4]),
        tf.fill([2], 'kiwi'),
      ];
      const tests = [tf.equal(a, b), tf.less(a, b), ...tf.unstack(a).map((row) => tf.notEqual(row, 'fig'))];
      return [...lists, ...tests].map((tensor) => Array.from(tensor.dataSync<'string'>()));
    });
    expect(found).toEqual([
      ['pear', 'fig', 'fig', 'fig', 'apple', 'fig', 'pear', 'apple'],
      ['fig', 'fig'],
      ['pear', 'fig', 'apple', 'fig'],
      ['pear', 'fig', 'apple', 'fig'],
      ['kiwi', 'kiwi'],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [1, 0],
      [1, 0],
    ]);
    expect(backend.numDataIds()).toBe(memory().numDataBuffers);
  });
});

describe('kernels', () => {
  it('take one tensor in two shapes at once', () => {
    const found = cleanly(() => {
      const x = tf.square(tf.tensor1d([1, 2, 3]));
      return [tf.dot(x, x).dataSync()[0], tf.matMul(tf.reshape(x, [3, 1]), tf.reshape(x, [1, 3])).dataSync()[8]];
    });
    expect(found).toEqual([98, 81]);
  });

  it('say which index is out of range', async () => {
    const x = tensorOf(random([4, 2]));
    for (const wrong of [-1, 4]) {
      expect(await codeOf(() => tf.tidy(() => tf.gather(x, tf.tensor1d([0, wrong], 'int32'))))).toBe('E_INDEX');
    }
    x.dispose();
  });

  it('refuse dtypes that they cannot compute', async () => {
    const words = tf.tensor1d(['a']);
    expect(await codeOf(() => tf.engine().runKernel('Square', { x: words }))).toBe('E_KERNEL_DTYPE');
    expect(await codeOf(() => tf.tidy(() => tf.complex([1], [2])))).toMatch(/Complex|E_KERNEL_DTYPE/);
    words.dispose();
  });

  it('of one’s own take part in eager and traced computing', async () => {
    const register = (backend as unknown as Record<symbol, (name: string, lowering: Lowering) => void>)[
      Symbol.for('tesserae.lowerings')
    ];
    register('Twice', (graph, [x]) => [graph.op('Add', [x, x])]);
    const twice = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel('Twice', { x });
    const eager = cleanly(() => Array.from(twice(tf.tensor1d([1, 2])).dataSync()));
    expect(eager).toEqual([2, 4]);
    const program = compiler()(([x]) => [twice(x)], {
      name: 'twice',
      inputs: [{ shape: [2], dtype: 'float32' }],
      donated: [false],
    });
    const [y] = tf.tidy(() => program.run([tf.tensor1d([3, 4])]));
    expect(Array.from(y.dataSync())).toEqual([6, 8]);
    y.dispose();
    program.dispose();
    register('Twice', (graph, [x]) => [graph.op('Mul', [x, graph.scalar(2, 'float32')])]); // replaces it
    expect(await codeOf(() => register('', () => []))).toBe('E_LOWERING');
    expect(await codeOf(() => register('Thrice', undefined as unknown as Lowering))).toBe('E_LOWERING');
    tf.unregisterKernel('Twice', 'onnx');
  });

  it('leave nothing behind when they fail', async () => {
    const x = tensorOf(random([4, 2]));
    const ids = tf.tensor1d([9], 'int32');
    const before = [memory().numTensors, memory().numDataBuffers, backend.numDataIds()];
    expect(await codeOf(() => tf.gather(x, ids))).toMatch(/^E_/);
    expect([memory().numTensors, memory().numDataBuffers, backend.numDataIds()]).toEqual(before);
    tf.dispose([x, ids]);
  });
});
