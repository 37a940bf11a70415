import { describeForm } from './verify-form';

const trained = { loss: 1, grad_total_norm: 1, adamw_training: 6 };

describeForm('bert_mlm', { outputs: 5, ...trained, grads: 5, grad_stats: 126 });
describeForm('bert_seqcls', { outputs: 5, ...trained, grads: 6, grad_stats: 123 });
describeForm('distilbert_seqcls', { outputs: 5, ...trained, grads: 4, grad_stats: 120 });
describeForm('roberta_mlm', { outputs: 5, ...trained, grads: 5, grad_stats: 126 });
