import type { Model } from '@tesserae/core';

/** A way of fine-tuning that leaves the base as it is and learns a few weights beside it. */
export interface AdapterMethod {
  /** `lora`, `ia3`, `prompt-tuning`. */
  readonly name: string;
  /** What it was made from: reported, and stored with the adapter. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** The model with fresh weights of the method beside its own, which it shares. Its outputs are those of the base at first. */
  apply<C>(model: Model<C>): Model<C>;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** A few weights to learn beside those of a base. */
    adapter: AdapterMethod;
  }
}
