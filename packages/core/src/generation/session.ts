import * as tf from '@tensorflow/tfjs-core';
import type { KeyValueCache, Model } from '../model/types';
import { createKeyValueCache, disposeKeyValueCache } from '../nn/keyValueCache';
import { programsFor } from './programs';
import type { StepInputs } from './programs';

/** What lives as long as a generation runs, held where a finalizer can find it. */
export interface Held {
  cache: KeyValueCache | undefined;
  attentionMask: tf.Tensor | undefined;
}

/** A model at work on a batch of texts: what is written so far stands in its key-value cache. */
export interface Session {
  /** Runs the prompts; gives the logits of each one's last position, [B, V]. */
  prefill(): Promise<Float32Array>;
  /**
   * Runs one more token of each row; gives the logits after it, [R, V].
   *
   * @param ids the token of each row, [R]
   * @param positions how many tokens stand before it in its text, [R]
   * @param parents which row of the call before each row continues, [R]; the same rows when absent
   */
  step(ids: Int32Array, positions: Int32Array, parents?: Int32Array): Promise<Float32Array>;
}

/** Where a batch stands: B rows padded on the left to T slots of M. */
interface Layout {
  readonly slots: number;
  readonly capacity: number;
  /** Padding of each row. */
  readonly padding: readonly number[];
}

const canTrace = (): boolean => Symbol.for('tesserae.compile') in tf.backend();

/** Rounds up so that lengths near each other share one compiled program, at most an eighth more than asked. */
export function roundUp(length: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(length)) - 3));
  return Math.ceil(length / step) * step;
}

function layOut(prompts: readonly (readonly number[])[], maxNewTokens: number, context: number): Layout {
  const longest = Math.max(...prompts.map((ids) => ids.length));
  const slots = canTrace() ? Math.min(roundUp(longest), context) : longest;
  const needed = slots + maxNewTokens - 1;
  const capacity = canTrace() ? roundUp(needed) : needed;
  return { slots, capacity, padding: prompts.map((ids) => slots - ids.length) };
}

function maskOf({ padding, capacity }: Layout): tf.Tensor | undefined {
  if (padding.every((count) => count === 0)) return undefined;
  const mask = new Int32Array(padding.length * capacity).fill(1);
  padding.forEach((count, row) => mask.fill(0, row * capacity, row * capacity + count));
  return tf.tensor2d(mask, [padding.length, capacity], 'int32'); // [B, M]
}

function emptyCache({ config }: Model, batch: number, capacity: number): KeyValueCache {
  const heads = config.numKeyValueHeads ?? config.numAttentionHeads;
  const headDim = config.headDim ?? config.hiddenSize / config.numAttentionHeads;
  return createKeyValueCache(config.numHiddenLayers, { batch, heads, capacity, headDim }); // [B, K, M, E] each
}

function promptInputs(prompts: readonly (readonly number[])[], { slots, padding }: Layout): [Int32Array, Int32Array] {
  const ids = new Int32Array(prompts.length * slots);
  const positions = new Int32Array(ids.length); // from the first token that is no padding
  prompts.forEach((prompt, i) => {
    ids.set(prompt, i * slots + padding[i]);
    for (let t = padding[i]; t < slots; t++) positions[i * slots + t] = t - padding[i];
  });
  return [ids, positions];
}

/** Gives each row the mask of the row that it continues. */
function followParents(held: Held, parents: Int32Array): void {
  const old = held.attentionMask;
  if (!old || old.shape[0] === parents.length) return; // rows trade places only with rows of the same prompt
  held.attentionMask = tf.tidy(() => tf.gather(old, tf.tensor1d(parents, 'int32')));
  old.dispose();
}

/** Frees what a session holds. */
export function release(held: Held): void {
  if (held.cache) disposeKeyValueCache(held.cache);
  held.cache = undefined;
  if (held.attentionMask && !held.attentionMask.isDisposed) held.attentionMask.dispose();
  held.attentionMask = undefined;
}

/**
 * Opens a session on prompts. Everything that it makes it puts into `held`, which the caller releases.
 *
 * @param model the model
 * @param prompts ids of each row; rows may differ in length
 * @param maxNewTokens how many tokens a row can get
 * @param held where its tensors go
 * @param signal cancels a pass
 */
export function openSession(
  model: Model,
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
  held: Held,
  signal: AbortSignal | undefined,
): Session {
  const programs = programsFor(model);
  const run = async (kind: keyof typeof programs, host: Record<string, Int32Array | undefined>, batch: number) => {
    const time = host.inputIds!.length / batch;
    const made: Record<string, tf.Tensor> = {};
    for (const [name, values] of Object.entries(host))
      if (values)
        made[name] = name === 'parents' ? tf.tensor1d(values, 'int32') : tf.tensor2d(values, [batch, time], 'int32');
    const { attentionMask } = held;
    const inputs = { ...made, ...(attentionMask && { attentionMask }) } as unknown as StepInputs;
    let logits: tf.Tensor | undefined;
    try {
      const output = await programs[kind].runAsyncWith({ signal }, model.params, inputs, held.cache!);
      logits = output.logits;
      held.cache = output.cache;
      return (await logits.data()) as Float32Array; // [B, V]
    } finally {
      tf.dispose(made);
      logits?.dispose();
    }
  };
  return {
    prefill() {
      const layout = layOut(prompts, maxNewTokens, model.config.maxPositionEmbeddings);
      held.attentionMask = maskOf(layout);
      held.cache = emptyCache(model, prompts.length, layout.capacity);
      const [inputIds, positionIds] = promptInputs(prompts, layout);
      return run('prefill', { inputIds, positionIds }, prompts.length);
    },
    step(inputIds, positionIds, parents) {
      if (parents) followParents(held, parents);
      return run('decode', { inputIds, positionIds, parents }, inputIds.length);
    },
  };
}
