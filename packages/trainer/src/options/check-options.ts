import { checkOptions as checkByRules } from '@tesserae/registry';
import type { OptionRules } from '@tesserae/registry';

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

/**
 * Checks the options of a part of this package.
 *
 * @throws E_OPTION for a value that is none of the allowed ones, E_UNKNOWN_OPTION for a name that no rule has
 */
export function checkOptions<T extends object>(speaker: string, options: unknown, optionRules: OptionRules<T>): void {
  const codes = { code: 'E_OPTION', unknownCode: 'E_UNKNOWN_OPTION' } as const;
  checkByRules({ package: 'trainer', plugin: speaker, name: speaker, ...codes, shortForms }, options, optionRules);
}
