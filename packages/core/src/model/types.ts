/**
 * The model value and what flows through it.
 *
 * Letters in shapes: B batch, T time (query), S key length, M cache capacity, D width, H heads, K key/value heads,
 * E head width, V vocabulary, F feed-forward width, N rows.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Tokenizer } from '@tesserae/tokenizer';
import type { Capture } from './capture';
import type { Weight } from './weight';

/** A plain tree of weights; repeated layers are arrays. */
export interface Params {
  readonly [name: string]: ParamsNode;
}

/** Anything that can stand in a parameter tree. */
export type ParamsNode = Weight | Params | readonly ParamsNode[];

/** How a parameter is filled before training. */
export type Initialization =
  | { readonly kind: 'normal'; readonly standardDeviation: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' };

/** One tensor of an architecture: where it lives in the tree and in a checkpoint. */
export interface ParameterSpec {
  /** Path in the tree, `layers.0.attention.query.weight`. */
  readonly path: string;
  readonly shape: readonly number[];
  /** The name in a Hugging Face checkpoint, `model.layers.0.self_attn.q_proj.weight`. */
  readonly checkpointName: string;
  readonly initialization: Initialization;
  /** Whether weight decay applies: false for norms and biases. */
  readonly decay: boolean;
}

/** What every architecture's config has. */
export interface ArchitectureConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly maxPositionEmbeddings: number;
  /** Heads that hold keys and values; `numAttentionHeads` when absent. */
  readonly numKeyValueHeads?: number | undefined;
  /** Features per head; `hiddenSize / numAttentionHeads` when absent. */
  readonly headDim?: number | undefined;
  readonly bosTokenId?: number | null | undefined;
  readonly eosTokenId?: number | readonly number[] | null | undefined;
  readonly padTokenId?: number | null | undefined;
}

/** A host key of the random generator: two unsigned 32-bit words. */
export type Key = readonly [number, number];

/** Preallocated keys and values, one pair a layer, and how many slots are filled. */
export interface KeyValueCache {
  /** Per layer [B, K, M, E]. */
  readonly keys: readonly tf.Tensor[];
  /** Per layer [B, K, M, E]. */
  readonly values: readonly tf.Tensor[];
  /** int32 scalar: filled slots, the same for every row; new keys go to slots length … length + T - 1. */
  readonly length: tf.Tensor;
}

/** What goes into a forward pass. */
export interface ForwardInputs {
  /** int32 [B, T]. */
  readonly inputIds: tf.Tensor;
  /**
   * 1 (or true) for real tokens, 0 for padding. Without a cache [B, T]; with one [B, M] over all slots of the cache
   * (slots not yet filled are ignored whatever it says).
   */
  readonly attentionMask?: tf.Tensor | undefined;
  /** int32 [B, T]; 0, 1, 2 … (after `cache.length`) when absent. */
  readonly positionIds?: tf.Tensor | undefined;
  readonly cache?: KeyValueCache | undefined;
}

/** How a forward pass runs. */
export interface ForwardOptions<C = ArchitectureConfig> {
  readonly config: C;
  /** Collects or replaces named intermediate values. */
  readonly capture?: Capture | undefined;
  /** Randomness for dropout: a host key, or its `keyTensor` so that a compiled program can be given a new one each call. */
  readonly key?: Key | tf.Tensor | undefined;
  /** Dropout is on only when true and a key is given. */
  readonly training?: boolean | undefined;
  /** Which positions get logits: all (default) or only the last of each row, [B, 1, V]. */
  readonly logits?: 'all' | 'last' | undefined;
}

/** What a forward pass gives back. */
export interface ForwardOutput {
  /** [B, T, V]. */
  readonly logits: tf.Tensor;
  /** The cache with this call's keys and values written in; present when one was given. */
  readonly cache?: KeyValueCache | undefined;
}

/** A family of models: its parameters, and the pure function from parameters and ids to logits. */
export interface Architecture<C = ArchitectureConfig> {
  /** `gpt2`, `llama`; the `model_type` of config.json. */
  readonly name: string;
  /** Completes a config with the defaults and checks it; throws E_CONFIG. */
  configure(config: Partial<C>): C;
  /** Every tensor, in the order of the forward pass. */
  parameters(config: C): ParameterSpec[];
  /** One forward pass. A pure function: it neither keeps nor disposes its inputs. */
  forward(params: Params, inputs: ForwardInputs, options: ForwardOptions<C>): ForwardOutput;
}

/** A model is a value. Functions that change one return another. */
export interface Model<C = ArchitectureConfig> {
  readonly architecture: Architecture<C>;
  readonly config: C;
  readonly params: Params;
  readonly tokenizer?: Tokenizer | undefined;
}
