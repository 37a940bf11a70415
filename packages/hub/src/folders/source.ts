import type { SafetensorsDtype, SafetensorsTensor } from '@tesserae/core';
import type { Tokenizer } from '@tesserae/tokenizer';
import type { ConfigJson } from '../forms/fields';

/** What a model's folder said beyond what the model needs; it goes back out when the model is saved. */
export interface Source {
  /** config.json as it was. */
  readonly json: ConfigJson;
  /** Its bytes, for when nothing has changed. */
  readonly bytes: Uint8Array;
  /** Files beside it that belong to the model and are not understood here, byte for byte, by name. */
  readonly companions: Readonly<Record<string, Uint8Array>>;
  /** The tokenizer that the folder gave, to tell whether the model still has it. */
  readonly tokenizer?: Tokenizer | undefined;
  /** The files that belong to that tokenizer, byte for byte, by name. */
  readonly tokenizerFiles: Readonly<Record<string, Uint8Array>>;
  /** How each parameter was stored, by its name in the architecture. */
  readonly stored: Readonly<Record<string, { readonly name: string; readonly dtype: SafetensorsDtype }>>;
  /** Tied copies that were stored besides, by name: the parameter that they repeat. */
  readonly copies: Readonly<Record<string, string>>;
  /** Whether the weights were taken as another type than they were stored in. */
  readonly retyped: boolean;
  /** Tensors that the model has no use for. */
  readonly carried: readonly SafetensorsTensor[];
  /** Parameters that the folder left out because they are zero. */
  readonly absent: readonly string[];
}

/** Travels on the config, also through `{ ...config }`, and is nothing to anyone else. */
const sourceSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.hub.source');

/** The same config with its source attached. */
export function withSource<C extends object>(config: C, source: Source): C {
  return { ...config, [sourceSymbol]: source };
}

/** The source attached to a config, if it came from a folder. */
export function sourceOf(config: object): Source | undefined {
  return (config as { [sourceSymbol]?: Source })[sourceSymbol];
}
