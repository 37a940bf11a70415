import { encodeModel } from '../graph/encodeModel';
import { elementCodes } from '../graph/elementCodes';
import { finishGraph } from '../graph/finishGraph';
import { GraphBuilder } from '../graph/graphBuilder';
import type { Runtime, SessionOptions } from '../runtime/types';

const size = 8;

/**
 * Whether the device computes products of float16: one small product is tried, because an adapter without half precision
 * only says so when it compiles the shader.
 */
export async function probeHalfProducts(runtime: Runtime, options: SessionOptions): Promise<boolean> {
  const graph = new GraphBuilder(false, options.provider);
  const x = graph.input([size, size], 'float32');
  const half = graph.op('Cast', [x], { to: elementCodes.float16 }, { dtype: 'float16' });
  const product = graph.op(
    'Cast',
    [graph.op('MatMul', [half, half])],
    { to: elementCodes.float32 },
    { dtype: 'float32' },
  );
  const finished = finishGraph(graph, [product]);
  try {
    const session = runtime.createSession(encodeModel(finished, 'probe'), options);
    const result = new Float32Array(size * size);
    const given = runtime.createValue(new Float32Array(size * size).fill(0.5), [size, size], 'float32');
    const made = runtime.createValue(result, [size, size], 'float32');
    const binding = session.createBinding({ [finished.inputs[0].name]: given }, { [finished.outputs[0].name]: made });
    try {
      await binding.runAsync();
      return result.every((element) => element === size / 4);
    } finally {
      binding.dispose();
      session.dispose();
      given.dispose();
      made.dispose();
    }
  } catch {
    return false;
  }
}
