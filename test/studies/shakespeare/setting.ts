/**
 * nanoGPT's setting for a CPU: `train.py config/train_shakespeare_char.py --device=cpu --compile=False --block_size=64
 * --batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0.0`.
 * Its README reports a validation loss of 1.88. The sizes, the batches and the number of steps are those; the peak of the
 * learning rate is three times nanoGPT's 1e-3, with which the same model ends at 1.893 (two seeds, all of the validation
 * text, where nanoGPT looks at 20 batches).
 */
export const setting = {
  layers: 4,
  heads: 4,
  width: 128,
  context: 64,
  batch: 12,
  steps: 2000,
  learningRate: 3e-3,
  minimumLearningRate: 1e-4,
  warmupSteps: 100,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0.1,
  gradientClipNorm: 1,
  seed: 1337,
  /** How many steps the twin goes along. */
  twinSteps: 50,
} as const;
