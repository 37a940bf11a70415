import { describeForm } from './verify-form';

describeForm('llama', {
  outputs: 5,
  loss: 1,
  grads: 4,
  grad_stats: 63,
  grad_total_norm: 1,
  adamw_training: 6,
  generate: 14,
});
