import { arithmeticLowerings } from './arithmetic';
import { comparisonLowerings } from './comparison';
import { conversionLowerings } from './conversion';
import { creationLowerings } from './creation';
import { einsumLowerings } from './einsum';
import { activationLowerings } from './fused/activation';
import { attentionLowerings } from './fused/attention';
import { cacheLowerings } from './fused/cache';
import { normalizationLowerings } from './fused/normalization';
import { indexingLowerings } from './indexing';
import { joiningLowerings } from './joining';
import { matmulLowerings } from './matmul';
import { reductionLowerings } from './reduction';
import { scanLowerings } from './scan';
import { shapingLowerings } from './shaping';
import { softmaxLowerings } from './softmax';
import type { KernelLowering } from './types';
import { unaryLowerings } from './unary';

/** Every kernel that the backend knows. A family is a file; a new family is one more line here. */
export function lowerings(): readonly KernelLowering[] {
  return [
    ...arithmeticLowerings,
    ...comparisonLowerings,
    ...conversionLowerings,
    ...creationLowerings,
    ...einsumLowerings,
    ...indexingLowerings,
    ...joiningLowerings,
    ...matmulLowerings,
    ...reductionLowerings,
    ...scanLowerings,
    ...shapingLowerings,
    ...softmaxLowerings,
    ...unaryLowerings,
    ...normalizationLowerings,
    ...activationLowerings,
    ...attentionLowerings,
    ...cacheLowerings,
  ];
}
