import { tesseraeError } from '@tesserae/registry';
import type { TrainingCallback } from '../callbacks/callback';
import { checkOptions, rules } from '../options';
import type { OptionRules } from '../options';

/** One callback, or several. */
export type Callbacks = TrainingCallback | readonly TrainingCallback[];

type Hooks = Omit<TrainingCallback, 'name' | 'hyperparameters' | 'statisticsEvery' | 'needsEvaluations'>;

const hookRules: OptionRules<Hooks> = {
  onStart: rules.function,
  onStep: rules.function,
  onEvaluate: rules.function,
  onStatistics: rules.function,
  onNonFinite: rules.function,
  onRollback: rules.function,
  onCheckpoint: rules.function,
  onEnd: rules.function,
  onWarning: rules.function,
  saveState: rules.function,
  close: rules.function,
};

/** A list of callbacks, however they were given. */
export const callbacksOf = (callbacks: Callbacks = []): readonly TrainingCallback[] =>
  'length' in callbacks ? callbacks : [callbacks];

/**
 * Checks what callbacks are made of. Fields of their own are theirs, but what begins with `on` is meant to be told
 * something.
 *
 * @throws E_OPTION, E_UNKNOWN_OPTION
 */
export function checkCallbacks(callbacks: Callbacks | undefined, evaluates: boolean): void {
  for (const callback of callbacksOf(callbacks)) {
    checkOptions<Hooks>('train', hooksOf(callback), hookRules);
    checkOptions<Pick<TrainingCallback, 'statisticsEvery'>>(
      'train',
      { statisticsEvery: callback.statisticsEvery },
      { statisticsEvery: rules.positiveInteger },
    );
    if (callback.needsEvaluations === true && !evaluates)
      throw tesseraeError({
        package: 'trainer',
        plugin: 'train',
        code: 'E_OPTION',
        message: `the callback '${callback.name}' follows evaluations, and there are none`,
        fix: 'give evaluateEvery',
      });
  }
}

/** What of a callback the rules are about; what is no callback at all stays what it is. */
function hooksOf(callback: unknown): unknown {
  if (typeof callback !== 'object' || callback === null) return callback;
  const known = (name: string): boolean => Object.hasOwn(hookRules, name) || /^on/i.test(name);
  return Object.fromEntries(Object.entries(callback).filter(([name]) => known(name)));
}
