/** Names that other libraries use for our options; no edit distance finds them. */
const shortForms: Readonly<Record<string, string>> = {
  lr: 'learningRate',
  wd: 'weightDecay',
  warmup: 'warmupSteps',
  batch: 'batchSize',
  blocksize: 'contextLength',
  sequencelength: 'contextLength',
  maxsteps: 'steps',
  iterations: 'steps',
  gradclip: 'gradientClipNorm',
  maxgradnorm: 'gradientClipNorm',
  minlr: 'minimumLearningRate',
  epsilon: 'eps',
  betas: 'beta1',
};

/** The option that a name known from elsewhere stands for, if it is among the known ones. */
export function meantByShortForm(name: string, known: readonly string[]): string | undefined {
  const meant = shortForms[name.toLowerCase().replaceAll('_', '')];
  return meant !== undefined && known.includes(meant) ? meant : undefined;
}
