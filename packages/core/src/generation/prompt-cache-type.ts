/**
 * A text that a model has read: its ids, with their keys and values in every layer. `generate` goes on from it where a
 * prompt begins as it does, and leaves in it what it wrote.
 */
export interface PromptCache {
  /** The tokens whose keys and values stand in it. */
  readonly ids: readonly number[];
}
