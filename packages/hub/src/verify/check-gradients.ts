import type * as tf from '@tensorflow/tfjs-core';
import { compile, flattenParams, unflattenParams } from '@tesserae/core';
import type { ForwardInputs, HeadTargets, Model, Params } from '@tesserae/core';
import { sourceOf } from '../folders/source';
import type { GoldenFolder } from './golden';
import { lossAndGradients } from './loss';
import { compare, compareNumber, tolerances } from './report';
import type { VerifyRow } from './report';

/** A model's tensors in the order of its tree, their names in the checkpoint, and the way back to a tree. */
export interface FlatModel {
  readonly tensors: tf.Tensor[];
  readonly names: string[];
  /** Which of them are trained. */
  readonly trainable: boolean[];
  build(tensors: readonly tf.Tensor[]): Params;
}

/** Takes a freshly loaded model apart; its weights are plain tensors. */
export function flatten(model: Model): FlatModel {
  const pairs = flattenParams(model.params);
  const specs = new Map(model.architecture.parameters(model.config).map((spec) => [spec.path, spec]));
  return {
    tensors: pairs.map(([, weight]) => weight as tf.Tensor),
    names: pairs.map(([path]) => specs.get(path)!.checkpointName),
    trainable: pairs.map(([path]) => specs.get(path)!.trainable !== false),
    build: (tensors) => unflattenParams(pairs.map(([path], i) => [path, tensors[i]])),
  };
}

/** L2 norm, sum and largest absolute value, in double precision. */
function statistics(values: ArrayLike<number>): { l2: number; sum: number; max_abs: number } {
  let squares = 0;
  let sum = 0;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    squares += values[i] * values[i];
    sum += values[i];
    largest = Math.max(largest, Math.abs(values[i]));
  }
  return { l2: Math.sqrt(squares), sum, max_abs: largest };
}

/** Compares the loss, the listed gradients, the statistics of all gradients, and the norm over all of them. */
export async function checkGradients(
  model: Model,
  { golden, tensor }: GoldenFolder,
  inputs: ForwardInputs,
  targets: HeadTargets,
  notDone: string[],
): Promise<VerifyRow[]> {
  const flat = flatten(model);
  const step = compile(
    (tensors: tf.Tensor[], given: ForwardInputs, wanted: HeadTargets) =>
      lossAndGradients(model, flat.build, tensors, given, wanted),
    { name: 'verify gradients' },
  );
  const { loss, grads } = await step.runAsync(flat.tensors, inputs, targets);
  try {
    const rows: VerifyRow[] = [];
    if (golden.loss !== undefined)
      rows.push(compareNumber('loss', (await loss.data())[0], golden.loss, tolerances.loss));
    const values = new Map<string, ArrayLike<number>>();
    for (const [i, name] of flat.names.entries()) {
      // what is not trained has no gradient
      values.set(name, flat.trainable[i] ? await grads[i].data() : new Float32Array(grads[i].size));
    }
    // what the checkpoint holds and nothing reads has no gradient either
    for (const { name, data } of sourceOf(model.config)?.carried ?? []) values.set(name, new Float32Array(data.length));
    for (const [name, stored] of Object.entries(golden.grads ?? {})) {
      const found = values.get(name);
      if (found) rows.push(compare(`grads.${name}`, found, tensor(stored), tolerances.gradient));
      else notDone.push(`grads.${name}`);
    }
    rows.push(...compareStatistics(values, golden.grad_stats ?? {}, notDone));
    if (golden.grad_total_norm !== undefined) {
      const total = Math.hypot(...[...values.values()].map((one) => statistics(one).l2));
      rows.push(compareNumber('grad_total_norm', total, golden.grad_total_norm, tolerances.norm));
    }
    return rows;
  } finally {
    for (const one of [loss, ...grads]) one.dispose();
    step.dispose();
  }
}

/** Every tensor of the checkpoint must be listed and every listed one be there. */
function compareStatistics(
  values: ReadonlyMap<string, ArrayLike<number>>,
  listed: NonNullable<GoldenFolder['golden']['grad_stats']>,
  notDone: string[],
): VerifyRow[] {
  return Object.entries(listed).flatMap(([name, expected]) => {
    const found = values.get(name);
    if (!found) {
      notDone.push(`grad_stats.${name}`);
      return [];
    }
    const ours = statistics(found);
    // rounding errors of a sum add up like a random walk over its elements
    const spread = Math.sqrt(found.length);
    const sum = (): number => tolerances.gradient(0, expected.max_abs) * spread;
    return [
      compareNumber(`grad_stats.${name}.l2`, ours.l2, expected.l2, tolerances.norm),
      compareNumber(`grad_stats.${name}.sum`, ours.sum, expected.sum, sum),
      compareNumber(`grad_stats.${name}.max_abs`, ours.max_abs, expected.max_abs, tolerances.gradient),
    ];
  });
}
