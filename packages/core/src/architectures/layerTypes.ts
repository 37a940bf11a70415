import type { ArchitectureConfig } from '../model/types';
import { configError } from './checkConfig';

/** How far a layer sees: all the text before it, or a window. As `layer_types` calls it. */
export type LayerType = 'full_attention' | 'sliding_attention';

/** A config whose layers may see through a sliding window. */
export interface LayerTypesConfig extends ArchitectureConfig {
  /** `sliding_window`: how many keys a query of such a layer sees, its own among them. */
  readonly slidingWindow: number | null;
  /** `layer_types`, one a layer. */
  readonly layerTypes: readonly LayerType[];
}

/** Refuses a window that is no count. */
export function checkWindow(name: string, window: number | null): void {
  if (window === null || (Number.isInteger(window) && window >= 1)) return;
  throw configError(name, `slidingWindow is ${String(window)}`, 'use a whole number of positions from 1 up, or null');
}

/** Fills `layerTypes` in where it is absent, and checks it. */
export function completeLayerTypes<C extends LayerTypesConfig>(
  name: string,
  config: C,
  usual: (index: number) => LayerType,
): C {
  const { numHiddenLayers, slidingWindow } = config;
  checkWindow(name, slidingWindow);
  const layerTypes =
    (config.layerTypes as C['layerTypes'] | undefined) ?? Array.from({ length: numHiddenLayers }, (_, i) => usual(i));
  if (!Array.isArray(layerTypes) || layerTypes.length !== numHiddenLayers) {
    throw configError(
      name,
      `layerTypes is ${JSON.stringify(layerTypes)}`,
      `give one type for each of ${numHiddenLayers} layers`,
    );
  }
  const types: readonly unknown[] = layerTypes;
  const foreign = types.find((type) => type !== 'full_attention' && type !== 'sliding_attention');
  if (foreign !== undefined) {
    throw configError(
      name,
      `the layer type '${String(foreign)}' is unknown`,
      'use full_attention or sliding_attention',
    );
  }
  if (slidingWindow === null && types.includes('sliding_attention')) {
    throw configError(
      name,
      'a layer is sliding_attention, and slidingWindow is null',
      'give the window, or make all layers full_attention',
    );
  }
  return { ...config, layerTypes };
}

/** The window of a layer, or null where it sees everything. */
export function windowOf({ slidingWindow, layerTypes }: LayerTypesConfig, index: number): number | null {
  return layerTypes[index] === 'sliding_attention' ? slidingWindow : null;
}
