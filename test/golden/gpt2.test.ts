import { describeForm } from './verify-form';

describeForm('gpt2', {
  outputs: 5,
  loss: 1,
  grads: 5,
  grad_stats: 84,
  grad_total_norm: 1,
  adamw_training: 6,
  generate: 14,
});
