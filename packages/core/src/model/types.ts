/**
 * The model value and what flows through it.
 *
 * Letters in shapes: B batch, T time (query), S key length, M cache capacity, D width, H heads, K key/value heads,
 * E head width, V vocabulary, F feed-forward width, N rows.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Tokenizer } from '@tesserae/tokenizer';
import type { EmbeddingOptions } from '../embeddings/options';
import type { GenerateOptions } from '../generation/options';
import type { Recompute } from '../memory/replay';
import type { AttentionPattern } from '../nn/sparse/pattern';
import type { Capture } from './capture';
import type { LinearLayout, Weight } from './weight';

/** A plain tree of weights; repeated layers are arrays. */
export interface Params {
  readonly [name: string]: ParamsNode;
}

/** Anything that can stand in a parameter tree. */
export type ParamsNode = Weight | Params | readonly ParamsNode[];

/** How a parameter is filled before training. */
export type Initialization =
  | {
      readonly kind: 'normal';
      readonly standardDeviation: number;
      /** A row that stays zero: the padding token's. */
      readonly zeroRow?: number | undefined;
    }
  /** Sines and cosines of the position, the same ones for every seed. */
  | { readonly kind: 'sinusoidal'; readonly interleaved: boolean }
  | { readonly kind: 'constant'; readonly value: number }
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
  /** False for fixed tables and buffers, which optimizers leave alone; true when absent. */
  readonly trainable?: boolean | undefined;
  /** How a matrix lies, where it is not `out-in`. */
  readonly layout?: LinearLayout | undefined;
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
  /**
   * Which keys a query sees, in decoder-only architectures: all before it when absent. Part of the model, so that it is
   * trained, saved and run with it; another is chosen by another config: `{ ...model, config: { ...config, attention } }`.
   */
  readonly attention?: AttentionPattern | undefined;
  readonly bosTokenId?: number | null | undefined;
  readonly eosTokenId?: number | readonly number[] | null | undefined;
  readonly padTokenId?: number | null | undefined;
  /** What stands on the body; an architecture says which it has and which it takes when absent. */
  readonly head?: ModelHead | undefined;
  /** Classes of a classification head. */
  readonly numLabels?: number | undefined;
  /** What a sequence classifier's logits mean; decided by the labels when absent, as in transformers. */
  readonly problemType?: ProblemType | null | undefined;
  /** The first token of a decoder that has an encoder. */
  readonly decoderStartTokenId?: number | null | undefined;
}

/** What stands on a model's body. */
export type ModelHead =
  | 'causal-lm'
  | 'masked-lm'
  | 'sequence-to-sequence'
  | 'sequence-classification'
  | 'token-classification'
  | 'question-answering'
  | 'none';

/** The task of a sequence classifier: one of several classes, several at once, or numbers. */
export type ProblemType = 'single-label' | 'multi-label' | 'regression';

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

/** What a decoder needs of its encoder, made once for many decoding steps. S positions of the encoder. */
export interface EncoderOutput {
  /** [B, S, D]. */
  readonly hiddenStates: tf.Tensor;
  /** Keys of the decoder's cross-attention, per decoder layer [B, K, S, E]. */
  readonly keys: readonly tf.Tensor[];
  /** Its values, per decoder layer [B, K, S, E]. */
  readonly values: readonly tf.Tensor[];
}

/** What goes into a forward pass. */
export interface ForwardInputs {
  /** int32 [B, T]; of an encoder-decoder the encoder's ids [B, S]. */
  readonly inputIds: tf.Tensor;
  /**
   * 1 (or true) for real tokens, 0 for padding. Without a cache [B, T]; with one [B, M] over all slots of the cache
   * (slots not yet filled are ignored whatever it says).
   */
  readonly attentionMask?: tf.Tensor | undefined;
  /** int32 [B, T]; 0, 1, 2 … (after `cache.length`) when absent. */
  readonly positionIds?: tf.Tensor | undefined;
  /**
   * int32 [B, T]: which of several sequences in its row a token belongs to, 1 and up, or 0 for padding; those of one
   * sequence stand side by side. Sequences do not see each other, and positions begin anew in each (unless `positionIds`
   * are given), so that each gives what it gives in a row of its own. For decoders and encoders, without a cache.
   */
  readonly sequenceIds?: tf.Tensor | undefined;
  /** int32 [B, T]: which of several texts a token belongs to, for models with segment embeddings; 0 when absent. */
  readonly tokenTypeIds?: tf.Tensor | undefined;
  /** int32 [B, T]: the decoder's ids, for an encoder-decoder. */
  readonly decoderInputIds?: tf.Tensor | undefined;
  /** 1 (or true) for real tokens of the decoder; as `attentionMask`, over the cache's slots when there is one. */
  readonly decoderAttentionMask?: tf.Tensor | undefined;
  /** The encoder's output from `Architecture.encode`: then the encoder does not run again, and `inputIds` only give S. */
  readonly encoder?: EncoderOutput | undefined;
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
  /**
   * Which positions get logits: all (default), only the last of each row, [B, 1, V], or none: then a language model
   * gives in their place what its output layer reads, [B, T, D], and that layer.
   */
  readonly logits?: 'all' | 'last' | 'none' | undefined;
  /**
   * In training: layers, or parts of them, that run again when gradients are made instead of being kept. Of architectures
   * that say so, see {@link Architecture.recomputes}; no effect where values are captured.
   */
  readonly recompute?: Recompute | undefined;
}

/** The last layer of a language model, apart from the rest, so that a loss can use it on some rows at a time. */
export interface OutputLayer {
  /** The tensors that it is differentiated by. */
  readonly parameters: readonly tf.Tensor[];
  /** V. */
  readonly classes: number;
  /** Hidden states [n, D] → logits [n, V]. */
  logits(hidden: tf.Tensor, parameters: readonly tf.Tensor[]): tf.Tensor;
}

/** What a forward pass gives back. */
export interface ForwardOutput {
  /**
   * By the head: language models [B, T, V]; sequence classification [B, numLabels]; token classification
   * [B, T, numLabels]; question answering [B, T, 2], start and end; without a head the hidden states.
   */
  readonly logits: tf.Tensor;
  /** After the last layer and its norm, before the head: [B, T, D]; of an encoder-decoder the decoder's. */
  readonly hiddenStates?: tf.Tensor | undefined;
  /** The output layer, where `logits: 'none'` asked for it: for `chunkedCrossEntropy`. */
  readonly outputLayer?: OutputLayer | undefined;
  /** What a body makes of its first token, where it has a pooler: [B, D]. */
  readonly pooled?: tf.Tensor | undefined;
  /** What the architecture adds to the loss (balance of experts), already weighted; float32 scalar. */
  readonly auxiliaryLoss?: tf.Tensor | undefined;
  /** The cache with this call's keys and values written in; present when one was given. */
  readonly cache?: KeyValueCache | undefined;
}

/** What a key-value cache must hold for one token: `createKeyValueCache(layers, { heads, headDim, … })`. */
export interface CacheShape {
  readonly layers: number;
  /** Key/value heads K. */
  readonly heads: number;
  /** Features per head E. */
  readonly headDim: number;
}

/** A family of models: its parameters, and the pure function from parameters and ids to logits. */
export interface Architecture<C = ArchitectureConfig> {
  /** `gpt2`, `llama`; the `model_type` of config.json. */
  readonly name: string;
  /**
   * Whether positions count only by their distance (rotary embeddings), so that a text can go on past
   * `maxPositionEmbeddings` under an attention pattern that streams.
   */
  readonly endless?: boolean | undefined;
  /** Whether it knows `recompute` and `logits: 'none'`. */
  readonly recomputes?: boolean | undefined;
  /** Whether it knows `sequenceIds`. */
  readonly packs?: boolean | undefined;
  /** Completes a config with the defaults and checks it; throws E_CONFIG. */
  configure(config: Partial<C>): C;
  /** Every tensor, in the order of the forward pass. */
  parameters(config: C): ParameterSpec[];
  /** One forward pass. A pure function: it neither keeps nor disposes its inputs. */
  forward(params: Params, inputs: ForwardInputs, options: ForwardOptions<C>): ForwardOutput;
  /** The encoder alone, with the keys and values that the decoder reads; only encoder-decoders have it. */
  encode?(params: Params, inputs: ForwardInputs, options: ForwardOptions<C>): EncoderOutput;
  /** The sizes of the self-attention cache; when absent those that the config's numbers give, see `cacheShapeOf`. */
  cacheShape?(config: C): CacheShape;
  /** How many positions a sequence may have; `maxPositionEmbeddings` when absent, Infinity where positions are relative. */
  positionLimit?(config: C): number;
  /** Layers end in a norm, so that the last layer's output needs no final one: the form of the first transformers. */
  readonly postNorm?: boolean | undefined;
  /** How many learned virtual tokens stand before every text; see {@link withVirtualTokens}. */
  readonly virtualTokens?: number | undefined;
}

/** A model is a value. Functions that change one return another. */
export interface Model<C = ArchitectureConfig> {
  readonly architecture: Architecture<C>;
  readonly config: C;
  readonly params: Params;
  readonly tokenizer?: Tokenizer | undefined;
  /** Which parameters learn where a training run says nothing else, by their paths: all when absent. */
  readonly trainable?: ((path: string) => boolean) | undefined;
  /** What `generate` takes where a call says nothing else, as a folder's generation_config.json has it. */
  readonly generation?: GenerateOptions | undefined;
  /** What `embedTexts` takes where a call says nothing else, as a folder of sentence-transformers has it. */
  readonly embedding?: EmbeddingOptions | undefined;
  /** What stands around its weights, and what it is without; see {@link removeAdapter}. */
  readonly adapter?: Adapter<C> | undefined;
}

/** An adapter that a model has: small weights beside those of a base, which stay as they are. */
export interface Adapter<C = ArchitectureConfig> {
  /** `lora`, `ia3`, `prompt-tuning`. */
  readonly method: string;
  /** The model without it; it shares the base's tensors. */
  readonly base: Model<C>;
  /** Paths of plain parameters that belong to the adapter, learned as a whole: a head. */
  readonly whole: readonly string[];
  /** What it was made from, for reports and files: rank, alpha and the like. */
  readonly settings: Readonly<Record<string, unknown>>;
}
