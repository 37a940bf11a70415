import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../compile/index';
import type { Compiled } from '../compile/index';
import type { Architecture, ArchitectureConfig, KeyValueCache, Model, Params } from '../model/types';

/** What one pass of generation takes. */
export interface StepInputs {
  /** int32 [B, T]. */
  readonly inputIds: tf.Tensor;
  /** int32 [B, T]. */
  readonly positionIds: tf.Tensor;
  /** int32 [B, M]; absent when no row is padded. */
  readonly attentionMask?: tf.Tensor | undefined;
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

/** The two programs of one architecture and config. The weights are arguments, so any model of the config can use them. */
export interface GenerationPrograms {
  readonly prefill: Step;
  readonly decode: Step;
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

const disposePrograms = ({ prefill, decode }: GenerationPrograms): void => {
  prefill.dispose();
  decode.dispose();
};

/** The programs for a model, compiled at their first use. */
export function programsFor(model: Model): GenerationPrograms {
  const { architecture, config } = model;
  kept ??= new Map();
  const key = `${architecture.name} ${JSON.stringify(config)}`;
  let found = kept.get(key);
  if (found && found.architecture !== architecture) {
    disposePrograms(found.programs);
    found = undefined;
  }
  found ??= {
    architecture,
    programs: { prefill: step(architecture, config, 'prefill'), decode: step(architecture, config, 'decode') },
  };
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
