import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelLowering } from '../types';

/** The operator domain of our own library of kernels. */
export const nativeDomain = 'tesserae';

/** A kernel that exists only where the native library does, and only for the cases that `supports` names. */
export interface NativeLowering extends KernelLowering {
  supports(
    inputs: Readonly<Record<string, TensorInfo | undefined>>,
    attributes: Readonly<Record<string, unknown>>,
  ): boolean;
}
