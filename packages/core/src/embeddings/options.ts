/**
 * How one vector is made of a text's many: their mean, the first one, the largest value of each feature, the last one,
 * their sum over √length, or a mean in which later tokens count more (1, 2, 3 …).
 */
export type Pooling = 'mean' | 'cls' | 'max' | 'last' | 'meanSqrtLength' | 'weightedMean';

/** How a model's vectors are made; a model value can hold it as `embedding`. */
export interface EmbeddingOptions {
  /** Several stand one after the other in the vector. `mean` when absent. */
  readonly pooling?: Pooling | readonly Pooling[] | undefined;
  /** Whether each vector gets length 1, so that a product of two is their cosine; true when absent. */
  readonly normalize?: boolean | undefined;
  /** Tokens of a text, the rest is cut off; what the model takes when absent. */
  readonly maxTokens?: number | undefined;
}

/** How texts become vectors; what is absent is as the model's own `embedding` says. */
export interface EmbedTextsOptions extends EmbeddingOptions {
  /** Texts at a time; 32 when absent. */
  readonly batchSize?: number | undefined;
  /** Stops the work. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each batch how many texts are done; awaited. */
  readonly onProgress?: ((done: number) => unknown) | undefined;
}
