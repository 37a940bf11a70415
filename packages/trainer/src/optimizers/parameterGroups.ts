import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { describeValue, tesseraeError } from '@tesserae/registry';
import { checkOptions, required, rules } from '../options';
import type { Hyperparameter, Optimizer, OptimizerState } from './optimizer';

/** Which parameters a group takes: a pattern of their paths, or a function of path and shape. */
export type ParameterMatch = RegExp | ((name: string, shape: readonly number[]) => boolean);

/** Parameters that are treated in a way of their own. */
export interface ParameterGroup {
  readonly match: ParameterMatch;
  /** Another optimizer for them; that of all the others when absent. */
  readonly optimizer?: Optimizer;
  /** A factor on the rate, the same for all of them or by name: 1. */
  readonly learningRateScale?: number | ((name: string) => number);
  /** Whether weight decay applies; as the model says when absent. */
  readonly weightDecay?: boolean;
  /** They stay as they are: false. */
  readonly frozen?: boolean;
}

/** What one optimizer gets of the whole: whose, at which rate. */
interface Share {
  readonly optimizer: Optimizer | undefined;
  readonly scale: number;
  readonly decay: boolean | undefined;
  readonly members: number[];
}

const fail = (message: string, fix: string): never => {
  throw tesseraeError({ package: 'trainer', plugin: 'parameterGroups', code: 'E_OPTION', message, fix });
};

/**
 * An optimizer that treats some parameters in ways of their own: other rates, other optimizers, no decay, frozen.
 *
 * A parameter belongs to the first group that matches its path (`layers.0.attention.query.weight`); what no group matches
 * goes to `optimizer` unchanged.
 *
 * @param optimizer the optimizer of everything else, and of groups that name none
 * @param groups the groups, the first match wins
 * @returns an optimizer
 * @throws E_OPTION, E_UNKNOWN_OPTION for groups that cannot be, a factor that is no number
 * @example
 * ```ts
 * import { adamw, parameterGroups } from '@tesserae/trainer';
 * const optimizer = parameterGroups(adamw(), [
 *   { match: /^tokenEmbedding/, frozen: true },
 *   { match: /^head/, learningRateScale: 10 },
 * ]);
 * console.log(optimizer.name); // → adamw in groups
 * ```
 */
export function parameterGroups(optimizer: Optimizer, groups: readonly ParameterGroup[]): Optimizer {
  if (typeof optimizer?.update !== 'function')
    fail(`expected an optimizer, found ${describeValue(optimizer)}`, 'give adamw()');
  if (!Array.isArray(groups))
    fail(`expected a list of groups, found ${describeValue(groups)}`, 'give [{ match: /…/ }]');
  groups.forEach(checkGroup);
  const all = [optimizer, ...groups.flatMap((group) => group.optimizer ?? [])];
  const settings = groups.map((group, i) => [`group${i}`, describeGroup(group)] as const);
  return {
    name: `${optimizer.name} in groups`,
    hyperparameters: { ...optimizer.hyperparameters, ...Object.fromEntries<Hyperparameter>(settings) },
    scalesGradients: all.every((one) => one.scalesGradients === true),
    ...(optimizer.learningRate !== undefined && { learningRate: optimizer.learningRate }),
    positiveSlots: [...new Set(all.flatMap((one) => one.positiveSlots ?? []))],
    init(parameters, names) {
      const state: Record<string, readonly Tensor[]> = {};
      shareOut(optimizer, groups, parameters, names).forEach((share, i) => {
        const own = pick(parameters, share);
        const inner = share.optimizer?.init(own, names && pick(names, share)) ?? {};
        for (const [slot, tensors] of Object.entries(inner)) state[`${i}.${slot}`] = tensors;
      });
      return state;
    },
    update(gradients, state, parameters, context) {
      const moved = parameters.slice();
      const next: Record<string, readonly Tensor[]> = {};
      shareOut(optimizer, groups, parameters, context.names).forEach((share, i) => {
        if (share.optimizer === undefined || share.members.length === 0) return;
        const prefix = `${i}.`;
        const own: OptimizerState = Object.fromEntries(
          Object.entries(state)
            .filter(([slot]) => slot.startsWith(prefix))
            .map(([slot, tensors]) => [slot.slice(prefix.length), tensors]),
        );
        const { learningRate, gradientScale } = context;
        const result = share.optimizer.update(pick(gradients, share), own, pick(parameters, share), {
          step: context.step,
          learningRate: share.scale === 1 ? learningRate : tf.mul<tf.Scalar>(learningRate, share.scale),
          decay: pick(context.decay, share).map((decays) => share.decay ?? decays),
          ...(context.names && { names: pick(context.names, share) }),
          ...(gradientScale && { gradientScale }),
        });
        share.members.forEach((member, at) => (moved[member] = result.parameters[at]));
        for (const [slot, tensors] of Object.entries(result.state)) next[prefix + slot] = tensors;
      });
      return { parameters: moved, state: next };
    },
  };
}

const pick = <T>(list: readonly T[], { members }: Share): T[] => members.map((member) => list[member]);

/** One share for each group and rate, those of one group beside each other; the last ones are what no group matches. */
function shareOut(
  optimizer: Optimizer,
  groups: readonly ParameterGroup[],
  parameters: readonly Tensor[],
  names: readonly string[] | undefined,
): Share[] {
  const shares = new Map<string, Share>();
  parameters.forEach(({ shape }, member) => {
    const name = names?.[member] ?? String(member);
    const at = groups.findIndex(({ match }) => (typeof match === 'function' ? match(name, shape) : match.test(name)));
    const group = groups[at];
    const scale =
      typeof group?.learningRateScale === 'function' ? group.learningRateScale(name) : group?.learningRateScale;
    if (scale !== undefined && !(Number.isFinite(scale) && scale >= 0))
      fail(`the scale of ${name} is ${describeValue(scale)}`, 'give a number ≥ 0');
    const key = `${at < 0 ? groups.length : at}|${scale ?? 1}`;
    const share = shares.get(key) ?? {
      optimizer: group?.frozen === true ? undefined : (group?.optimizer ?? optimizer),
      scale: scale ?? 1,
      decay: group?.weightDecay,
      members: [],
    };
    share.members.push(member);
    shares.set(key, share);
  });
  return [...shares.values()];
}

function checkGroup(group: ParameterGroup): void {
  checkOptions<ParameterGroup>('parameterGroups', group, {
    match: required({
      expected: 'a regular expression or a function of name and shape',
      test: (v) => typeof v === 'function' || Object.prototype.toString.call(v) === '[object RegExp]',
    }),
    optimizer: { expected: 'an optimizer', test: (v) => typeof (v as Optimizer | undefined)?.update === 'function' },
    learningRateScale: {
      expected: 'a number ≥ 0 or a function of the name',
      test: (v) => typeof v === 'function' || (typeof v === 'number' && Number.isFinite(v) && v >= 0),
    },
    weightDecay: rules.boolean,
    frozen: rules.boolean,
  });
}

/** A group in words, for reports and for comparing it with that of a checkpoint. */
function describeGroup({ match, optimizer, learningRateScale, weightDecay, frozen }: ParameterGroup): string {
  const by = (value: unknown): string => (typeof value === 'function' ? 'by function' : String(value));
  const parts = [
    by(match),
    optimizer && `${optimizer.name} ${JSON.stringify(optimizer.hyperparameters)}`,
    learningRateScale !== undefined && `rate × ${by(learningRateScale)}`,
    weightDecay !== undefined && `decay ${weightDecay}`,
    frozen === true && 'frozen',
  ];
  return parts.filter(Boolean).join(', ');
}
