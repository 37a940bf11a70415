import type { Adapter } from '@tesserae/core';
import type { ConfigJson } from '../forms/fields';

/** adapter_config.json as it came, to go out the same. */
export interface PeftSource {
  readonly json: ConfigJson;
  readonly bytes: Uint8Array;
}

/** Travels with the adapter, and is nothing to anyone else. */
const sourceSymbol: unique symbol = /* @__PURE__ */ Symbol.for('tesserae.hub.peft');

/** The same adapter with its source attached. */
export function withPeftSource<C>(adapter: Adapter<C>, source: PeftSource): Adapter<C> {
  return { ...adapter, [sourceSymbol]: source } as Adapter<C>;
}

/** The source of an adapter that came from a folder. */
export function peftSourceOf<C>(adapter: Adapter<C>): PeftSource | undefined {
  return (adapter as { [sourceSymbol]?: PeftSource })[sourceSymbol];
}
