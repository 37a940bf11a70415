import { adamwLowerings } from './adamw';
import { attentionLowerings } from './attention';
import { blockAttentionLowerings } from './blockAttention';
import { crossEntropyLowerings } from './crossEntropy';
import { geluLowerings } from './gelu';
import { linearLowerings } from './linear';
import { normalizationLowerings } from './normalization';
import { rotaryLowerings } from './rotary';
import { swigluLowerings } from './swiglu';
import type { NativeLowering } from './types';

export type { NativeLowering } from './types';

/** The kernels of the native library, by name. */
export function nativeLowerings(): readonly NativeLowering[] {
  return [
    ...adamwLowerings,
    ...attentionLowerings,
    ...blockAttentionLowerings,
    ...crossEntropyLowerings,
    ...geluLowerings,
    ...linearLowerings,
    ...normalizationLowerings,
    ...rotaryLowerings,
    ...swigluLowerings,
  ];
}
