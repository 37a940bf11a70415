import type * as tf from '@tensorflow/tfjs-core';
import { compile, createCapture, hiddenStateNames } from '@tesserae/core';
import type { ForwardInputs, Model, Params } from '@tesserae/core';
import type { GoldenFolder } from './golden';
import { compare, tolerances } from './report';
import type { Tolerance, VerifyRow } from './report';

/** A listed output: what the forward pass calls it, and how it is compared. */
interface Wanted {
  readonly name: string;
  readonly capture: string;
  readonly tolerance: Tolerance;
  /** Which dimension runs over query positions. */
  readonly queryAxis: number;
}

/** What an output of golden.json is called here; nothing when it is not known. */
function findOutput(name: string, config: Model['config']): Wanted | undefined {
  const [, kind, index] = /^(hidden_states|attentions|router_logits)\.(\d+)$/.exec(name) ?? [];
  if (name === 'logits') return { name, capture: 'logits', tolerance: tolerances.output, queryAxis: 1 };
  if (kind === 'hidden_states' && Number(index) <= config.numHiddenLayers) {
    const capture = hiddenStateNames(config)[Number(index)];
    return { name, capture, tolerance: tolerances.output, queryAxis: 1 };
  }
  if (kind === 'attentions' && Number(index) < config.numHiddenLayers) {
    return { name, capture: `layers.${index}.attention.weights`, tolerance: tolerances.attention, queryAxis: 2 };
  }
  if (kind === 'router_logits' && 'numLocalExperts' in config && Number(index) < config.numHiddenLayers) {
    return { name, capture: `layers.${index}.router.logits`, tolerance: tolerances.output, queryAxis: 0 };
  }
  return undefined;
}

/** Whether the value at a flat index belongs to a position that is no padding. */
function atRealPositions(
  shape: readonly number[],
  queryAxis: number,
  mask: number[][] | undefined,
): (index: number) => boolean {
  if (!mask) return () => true;
  // router logits have one dimension for texts and positions
  if (queryAxis === 0) return atRealPositions([mask.length, mask[0].length, ...shape.slice(1)], 1, mask);
  const perRow = shape.slice(1).reduce((a, b) => a * b, 1);
  const perQuery = shape.slice(queryAxis + 1).reduce((a, b) => a * b, 1);
  return (index) => mask[Math.floor(index / perRow)][Math.floor(index / perQuery) % shape[queryAxis]] === 1;
}

/** Compares the logits and every other listed output at unmasked positions. */
export async function checkForward(
  model: Model,
  { golden, tensor }: GoldenFolder,
  inputs: ForwardInputs,
  notDone: string[],
): Promise<VerifyRow[]> {
  const listed = Object.keys(golden.outputs ?? {});
  const wanted = listed.flatMap((name) => findOutput(name, model.config) ?? []);
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
    for (const { name, capture, tolerance, queryAxis } of wanted) {
      const { tensor: stored, shape } = golden.outputs![name];
      const counts = atRealPositions(shape, queryAxis, golden.inputs.ints.attention_mask);
      rows.push(compare(`outputs.${name}`, await values[capture].data(), tensor(stored), tolerance, counts));
    }
    return rows;
  } finally {
    for (const value of Object.values(values)) value.dispose();
    forward.dispose();
  }
}
