import * as tf from '@tensorflow/tfjs-core';

/** As much of the wasm backend as a kernel written in JavaScript needs. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array;
}

/**
 * Gives the wasm backend the kernel that it lacks and training needs: the gradient of an embedding adds the rows of each
 * token up (`UnsortedSegmentSum`). It works on the backend's own memory; a library that brings the kernel later wins.
 */
export function completeWasmKernels(): void {
  if (tf.getKernel('UnsortedSegmentSum', 'wasm') !== undefined) return;
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo }; // [N, …], [N]
      const wasm = backend as WasmBackend;
      const segments = attrs?.['numSegments'] as number;
      const sums = wasm.makeOutput([segments, ...x.shape.slice(1)], x.dtype);
      // Views are taken after the output was made: making it may have moved the heap.
      addRows(wasm.typedArrayFromHeap(sums), wasm.typedArrayFromHeap(x), wasm.typedArrayFromHeap(segmentIds), segments);
      return sums;
    },
  });
}

type Numbers = Float32Array | Int32Array;

/** Rows of a negative segment, or of one beyond the last, are dropped, as TensorFlow does. */
function addRows(sums: Numbers, rows: Numbers, segmentIds: Numbers, segments: number): void {
  sums.fill(0);
  const width = segmentIds.length === 0 ? 0 : rows.length / segmentIds.length;
  for (let row = 0; row < segmentIds.length; row++) {
    const segment = segmentIds[row] as number;
    if (segment < 0 || segment >= segments) continue;
    const [from, to] = [row * width, segment * width];
    for (let i = 0; i < width; i++) sums[to + i] = (sums[to + i] as number) + (rows[from + i] as number);
  }
}
