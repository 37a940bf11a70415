import * as tf from '@tensorflow/tfjs-core';
import { shiftRight } from '@tesserae/core';
import type { ForwardInputs, HeadTargets, Model } from '@tesserae/core';
import type { Golden, GoldenFolder, IntTable } from './golden';

/** What the forward pass of golden.json is given, and what it should say; tensors of their own. */
export interface VerifyInputs {
  readonly inputs: ForwardInputs;
  /** Absent when golden.json has no labels. */
  readonly targets?: HeadTargets | undefined;
}

/** Names in golden.json and in `ForwardInputs`. */
const inputNames: Readonly<Record<string, keyof ForwardInputs>> = {
  input_ids: 'inputIds',
  attention_mask: 'attentionMask',
  token_type_ids: 'tokenTypeIds',
  position_ids: 'positionIds',
  decoder_input_ids: 'decoderInputIds',
  decoder_attention_mask: 'decoderAttentionMask',
};
const targetNames: Readonly<Record<string, keyof HeadTargets>> = {
  labels: 'labels',
  start_positions: 'startPositions',
  end_positions: 'endPositions',
};

/** The inputs that a model reads; others change nothing, and are not compared in silence. */
function reads(name: string, { architecture, params }: Model): boolean {
  if (name === 'token_type_ids') return 'tokenTypeEmbedding' in params;
  return !name.startsWith('decoder_') || architecture.encode !== undefined;
}

/** Names of inputs that are not understood here, or not by the model. */
export function unknownInputs({ inputs }: Golden, model: Model, forwardArguments: readonly string[]): string[] {
  const known = (name: string): boolean =>
    Object.hasOwn(targetNames, name) || (Object.hasOwn(inputNames, name) && reads(name, model));
  const ints = Object.keys(inputs.ints).filter((name) => !known(name));
  const tensors = Object.keys(inputs.tensors ?? {}).filter((name) => !Object.hasOwn(targetNames, name));
  const kwargs = Object.keys(inputs.forward_kwargs ?? {}).filter((name) => !forwardArguments.includes(name));
  return [
    ...ints.map((name) => `inputs.${name}`),
    ...tensors.map((name) => `inputs.tensors.${name}`),
    ...kwargs.map((name) => `inputs.forward_kwargs.${name}`),
  ];
}

/** A row or a table of whole numbers as a tensor: [B] or [B, T]. */
function toTensor(values: IntTable): tf.Tensor {
  return Array.isArray(values[0])
    ? tf.tensor2d(values as number[][], undefined, 'int32')
    : tf.tensor1d(values as number[], 'int32');
}

/** Labels that are numbers with fractions: [B], or [B, n]. */
function floatLabels(values: Float32Array, rows: number): tf.Tensor {
  return values.length === rows ? tf.tensor1d(values) : tf.tensor2d(values, [rows, values.length / rows]);
}

/** Makes the tensors; the decoder's ids follow from the labels where they are not given. */
export function readInputs(model: Model, { golden, tensor }: GoldenFolder): VerifyInputs {
  const { architecture, config } = model;
  const { ints, tensors = {} } = golden.inputs;
  const rows = ints.input_ids.length;
  const take = <K extends string>(names: Readonly<Record<string, K>>): Partial<Record<K, tf.Tensor>> =>
    Object.fromEntries(
      Object.entries(names).flatMap(([theirs, ours]) => {
        if (ints[theirs] && reads(theirs, model)) return [[ours, toTensor(ints[theirs])]];
        return tensors[theirs] ? [[ours, floatLabels(tensor(tensors[theirs]), rows)]] : [];
      }),
    ) as Partial<Record<K, tf.Tensor>>;
  const given = take(inputNames);
  const targets = take(targetNames);
  const { decoderStartTokenId: start, padTokenId: pad } = config;
  const derives = architecture.encode && config.head === 'sequence-to-sequence' && !given.decoderInputIds;
  const decoderInputIds =
    derives && targets.labels && typeof start === 'number' && typeof pad === 'number'
      ? shiftRight(targets.labels, { start, pad })
      : undefined;
  return {
    inputs: { ...(given as unknown as ForwardInputs), ...(decoderInputIds && { decoderInputIds }) },
    ...(Object.keys(targets).length > 0 && { targets }),
  };
}
