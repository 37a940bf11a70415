/** The model and batch of the training bench: 11.1 M parameters, 2,048 tokens a step. */
export const shape = { width: 384, layers: 6, heads: 6, context: 256, batch: 8, vocabulary: 1024 } as const;

/** Tokens of one step. */
export const tokensPerStep = shape.batch * shape.context;

/** A batch that a model can learn: every token follows from the one before. */
export function batch(): { inputIds: Int32Array; labels: Int32Array } {
  const token = (at: number): number => (at * 7) % shape.vocabulary;
  return {
    inputIds: Int32Array.from({ length: tokensPerStep }, (_, at) => token(at)),
    labels: Int32Array.from({ length: tokensPerStep }, (_, at) => token(at + 1)),
  };
}
