import { describeForm } from './verify-form';

/** What is the same in all of them. */
const usual = { loss: 1, grad_total_norm: 1, adamw_training: 6, generate: 14 };

describeForm('gpt_neox', { ...usual, outputs: 5, grads: 4, grad_stats: 84 });
describeForm('mistral', { ...usual, outputs: 5, grads: 4, grad_stats: 63 });
describeForm('qwen2', { ...usual, outputs: 5, grads: 4, grad_stats: 81 });
describeForm('qwen3', { ...usual, outputs: 5, grads: 5, grad_stats: 75 });
describeForm('gemma', { ...usual, outputs: 5, grads: 4, grad_stats: 60 });
describeForm('gemma2', { ...usual, outputs: 5, grads: 4, grad_stats: 72 });
describeForm('gemma3_text', { ...usual, outputs: 6, grads: 4, grad_stats: 123 });
describeForm('mixtral', { ...usual, outputs: 7, grads: 5, grad_stats: 123, aux_loss: 1, loss_without_aux: 1 });
