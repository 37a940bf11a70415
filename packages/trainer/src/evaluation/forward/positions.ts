import type { Model } from '@tesserae/core';

/** Tokens that a model can take at a time; Infinity where its positions are relative. */
export const positionsOf = ({ architecture, config }: Model): number =>
  architecture.positionLimit?.(config) ?? config.maxPositionEmbeddings;
