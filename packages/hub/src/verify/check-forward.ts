import type * as tf from '@tensorflow/tfjs-core';
import { compile, createCapture } from '@tesserae/core';
import type { ForwardInputs, Model, Params } from '@tesserae/core';
import type { GoldenFolder } from './golden';
import { atRealPositions, findOutput } from './outputs';
import { compare } from './report';
import type { VerifyRow } from './report';

/** The values of one column of the last dimension, or all. */
function pick(values: Float32Array, column: number | undefined, columns: number): Float32Array {
  return column === undefined ? values : values.filter((_, i) => i % columns === column);
}

/** Compares the logits and every other listed output at unmasked positions. */
export async function checkForward(
  model: Model,
  { golden, tensor }: GoldenFolder,
  inputs: ForwardInputs,
  notDone: string[],
): Promise<VerifyRow[]> {
  const listed = Object.keys(golden.outputs ?? {});
  const wanted = listed.flatMap((name) => findOutput(name, model) ?? []);
  notDone.push(...listed.filter((name) => !wanted.some((one) => one.name === name)).map((name) => `outputs.${name}`));
  if (wanted.length === 0) return [];
  const { architecture, config } = model;
  const forward = compile(
    (params: Params, given: ForwardInputs): Record<string, tf.Tensor> => {
      const capture = createCapture({ names: wanted.map((one) => one.capture) });
      architecture.forward(params, given, { config, capture });
      return capture.values;
    },
    { name: 'verify forward' },
  );
  const values = await forward.runAsync(model.params, inputs);
  try {
    const rows: VerifyRow[] = [];
    for (const one of wanted) {
      const { tensor: stored, shape } = golden.outputs![one.name];
      const found = values[one.capture];
      const data = pick((await found.data()) as Float32Array, one.column, found.shape[found.shape.length - 1]!);
      const counts = atRealPositions(shape, one, golden);
      rows.push(compare(`outputs.${one.name}`, data, tensor(stored), one.tolerance, counts));
    }
    return rows;
  } finally {
    for (const value of Object.values(values)) value.dispose();
    forward.dispose();
  }
}
