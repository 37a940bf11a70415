import { attentionSinks, blockSparse, decoderPlugins, localGlobal, slidingWindow } from '@tesserae/core';
import { llama2c } from '@tesserae/hub';
import { byteLevelBpe, character, tokenizerJson } from '@tesserae/tokenizer';
import { createRegistry } from '@tesserae/registry';
import type { Registry } from '@tesserae/registry';
import {
  adafactor,
  adam,
  adamw,
  adapterPlugins,
  augmenterPlugins,
  callbackPlugins,
  constant,
  cosine,
  cosineRestarts,
  evaluationPlugins,
  exponential,
  gradientMethodPlugins,
  inverseSquareRoot,
  linearDecay,
  lion,
  multiTaskPlugins,
  muon,
  objectivePlugins,
  oneCycle,
  polynomial,
  reduceOnPlateau,
  regularizerPlugins,
  sgd,
  stepDecay,
  warmupStableDecay,
} from '@tesserae/trainer';

const plugins = [
  ...decoderPlugins,
  ...evaluationPlugins,
  ...gradientMethodPlugins,
  ...regularizerPlugins,
  ...multiTaskPlugins,
  ...objectivePlugins,
  ...adapterPlugins,
  ...augmenterPlugins,
  ...callbackPlugins,
  byteLevelBpe,
  character,
  tokenizerJson,
  llama2c,
  adafactor,
  adam,
  adamw,
  lion,
  muon,
  sgd,
  constant,
  cosine,
  cosineRestarts,
  exponential,
  inverseSquareRoot,
  linearDecay,
  oneCycle,
  polynomial,
  reduceOnPlateau,
  stepDecay,
  warmupStableDecay,
  slidingWindow,
  localGlobal,
  blockSparse,
  attentionSinks,
] as const;

/**
 * A registry with every plugin of Tesserae's own in it; add others with `use`.
 *
 * @returns a new registry
 * @example
 * ```ts
 * import { createKit } from 'tesserae';
 *
 * const kit = createKit();
 * const optimizer = await kit.create('optimizer', 'adamw', { weightDecay: 0.1 });
 * console.log(optimizer.name); // → adamw
 * ```
 */
export function createKit(): Registry<(typeof plugins)[number]> {
  return createRegistry(plugins);
}
