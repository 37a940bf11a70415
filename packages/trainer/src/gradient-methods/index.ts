export { gradientsOf } from './gradients-of';
export type { Differentiated } from './gradients-of';
export type { GradientInputs, GradientMethod, GradientMethodSetup, GradientResult } from './gradient-method';
