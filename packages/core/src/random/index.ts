export { bernoulli, bernoulliProbability } from './bernoulli';
export { integers, normal, permutation, randomBits, uniform } from './draw';
export { createKey, foldIn, splitKey } from './key';
export { keyTensor } from './keyTensor';
export { threefry2x32 } from './threefry';
