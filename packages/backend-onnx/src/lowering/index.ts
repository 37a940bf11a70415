export type { CheckedInput, KernelLowering, Lowering } from './types';
