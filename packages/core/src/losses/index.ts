export { classificationLoss } from './classificationLoss';
export { headLoss } from './headLoss';
export type { HeadTargets } from './headLoss';
export { causalLoss, labelLoss } from './labelLoss';
export { spanLoss } from './spanLoss';
