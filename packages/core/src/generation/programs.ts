import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../compile/index';
import type { Compiled } from '../compile/index';
import type { Architecture, ArchitectureConfig, EncoderOutput, KeyValueCache, Model, Params } from '../model/types';

/** What one pass of generation takes. */
export interface StepInputs {
  /** int32 [B, T]; of an encoder-decoder the encoder's, [B, S]. */
  readonly inputIds: tf.Tensor;
  /** int32 [B, T]. */
  readonly positionIds?: tf.Tensor | undefined;
  /** int32 [B, M]; absent when no row is padded. Of an encoder-decoder the encoder's, [B, S]. */
  readonly attentionMask?: tf.Tensor | undefined;
  /** int32 [B, T], of an encoder-decoder. */
  readonly decoderInputIds?: tf.Tensor | undefined;
  readonly encoder?: EncoderOutput | undefined;
  /** int32 [B]: which row of the cache each row continues, where rows come, go or trade places (beams). */
  readonly parents?: tf.Tensor | undefined;
}

/** What it gives: logits of each row's last position, and the cache with the pass written in. */
export interface StepOutput {
  /** [B, V]. */
  readonly logits: tf.Tensor;
  readonly cache: KeyValueCache;
}

type Step = Compiled<[Params, StepInputs, KeyValueCache], StepOutput>;

/** The programs of one architecture and config. The weights are arguments, so any model of the config can use them. */
export interface GenerationPrograms {
  readonly prefill: Step;
  readonly decode: Step;
  /** Of an encoder-decoder: the encoder, with the keys and values that every step of the decoder reads. */
  readonly encode?: Compiled<[Params, EncodeInputs], EncoderOutput> | undefined;
}

/** What an encoder takes: int32 [B, S] each. */
export interface EncodeInputs {
  readonly inputIds: tf.Tensor;
  readonly attentionMask: tf.Tensor;
}

/** Compiled programs are kept for so many configs, the least recently used going first. */
const MAX_CONFIGS = 4;

let kept: Map<string, { readonly architecture: Architecture; readonly programs: GenerationPrograms }> | undefined;

/** The cache with the rows of `parents` in their order: [R, K, M, E] each. */
function reorder(cache: KeyValueCache, parents: tf.Tensor): KeyValueCache {
  const gather = (tensor: tf.Tensor): tf.Tensor => tf.gather(tensor, parents as tf.Tensor1D);
  return { keys: cache.keys.map(gather), values: cache.values.map(gather), length: cache.length };
}

function step(architecture: Architecture, config: ArchitectureConfig, name: string): Step {
  return compile(
    (params: Params, { parents, ...inputs }: StepInputs, given: KeyValueCache): StepOutput => {
      const cache = parents ? reorder(given, parents) : given;
      const output = architecture.forward(params, { ...inputs, cache }, { config, logits: 'last' });
      const [batch, , vocabulary] = output.logits.shape as [number, number, number];
      return { logits: tf.reshape(output.logits, [batch, vocabulary]), cache: output.cache! }; // [B, V]
    },
    { name, donate: [2] },
  );
}

function programsOf(architecture: Architecture, config: ArchitectureConfig): GenerationPrograms {
  const encode = (params: Params, inputs: EncodeInputs): EncoderOutput =>
    architecture.encode!(params, inputs, { config });
  return {
    prefill: step(architecture, config, 'prefill'),
    decode: step(architecture, config, 'decode'),
    encode: architecture.encode && compile(encode, { name: 'encode' }),
  };
}

const disposePrograms = ({ prefill, decode, encode }: GenerationPrograms): void => {
  prefill.dispose();
  decode.dispose();
  encode?.dispose();
};

/** The programs for a model, compiled at their first use. */
export function programsFor(model: Model): GenerationPrograms {
  const { architecture, config } = model;
  kept ??= new Map();
  // The rule of a pattern is code: one that was written anew in a notebook is another.
  const rule = config.attention ? `${String(config.attention.sees)}${String(config.attention.visible)}` : '';
  const key = `${architecture.name} ${architecture.virtualTokens ?? 0} ${JSON.stringify(config)} ${rule}`;
  let found = kept.get(key);
  if (found && found.architecture !== architecture) {
    disposePrograms(found.programs);
    found = undefined;
  }
  found ??= { architecture, programs: programsOf(architecture, config) };
  kept.delete(key);
  kept.set(key, found);
  for (const [oldest, { programs }] of kept) {
    if (kept.size <= MAX_CONFIGS) break;
    kept.delete(oldest);
    disposePrograms(programs);
  }
  return found.programs;
}

/**
 * Frees the compiled programs that `generate` keeps between calls. A later call compiles anew.
 *
 * @example
 * ```ts
 * import { releaseGenerationPrograms } from '@tesserae/core';
 * releaseGenerationPrograms();
 * ```
 */
export function releaseGenerationPrograms(): void {
  for (const { programs } of kept?.values() ?? []) disposePrograms(programs);
  kept?.clear();
}
