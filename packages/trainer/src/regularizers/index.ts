export type { Regularizer } from './regularizer';
