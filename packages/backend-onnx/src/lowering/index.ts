export type { KernelLowering, Lowering } from './types';
