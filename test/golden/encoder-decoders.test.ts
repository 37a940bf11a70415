import { describeForm } from './verify-form';

const trained = { loss: 1, grad_total_norm: 1, adamw_training: 6 };

describeForm('t5', { outputs: 11, ...trained, grads: 5, grad_stats: 141, generate: 14 });
describeForm('bart', { outputs: 11, ...trained, grads: 4, grad_stats: 273, generate: 17 });
describeForm('marian', { outputs: 11, ...trained, grads: 4, grad_stats: 255, generate: 17 });
