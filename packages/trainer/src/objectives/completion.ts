import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import { checkOptions } from '../options';
import type { Objective } from './objective';
import { badLearner, checkRows } from './objective-errors';
import { longestRow } from './padded-rows';
import { prepareRows } from './prepare-rows';
import { encodePrompt, rowOfPrompt } from './prompt-row';
import { labelLoss } from './token-loss';

/** A prompt and what should follow it. */
export interface PromptCompletion {
  readonly prompt: string;
  readonly completion: string;
}

/** Options of {@link completion}: none yet. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the place where options will stand
export interface CompletionOptions {}

/**
 * Learning to complete prompts: a decoder reads prompt and completion, and only the completion counts.
 *
 * The loss is the cross-entropy of the completion's tokens and of the end-of-sequence token, where the config has one. The
 * data is a list of `{ prompt, completion }`.
 *
 * @param options none yet
 * @returns the objective, for `train(model, { data: rows, objective, … })` with a model that only decodes
 * @throws E_UNKNOWN_OPTION
 *
 * Ouyang et al.: "Training language models to follow instructions with human feedback" (2022), section 3.4.
 *
 * @example
 * ```ts
 * import { completion } from '@tesserae/trainer';
 * console.log(completion().name); // → completion
 * ```
 */
export const completion: Plugin<'objective', 'completion', (options?: CompletionOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'completion',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Learning to complete prompts',
    create: createCompletion,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:completion': typeof completion;
  }
}

const name = 'completion';

function createCompletion(options: CompletionOptions = {}): Objective {
  checkOptions<CompletionOptions>(name, options, {});
  return {
    name,
    hyperparameters: {},
    packs: true,
    prepare(model, data, settings) {
      if (model.architecture.encode !== undefined)
        throw badLearner(name, `${model.architecture.name} has an encoder`, 'use the objective sequenceToSequence()');
      checkRows(name, data, 'prompts with completions');
      const longest = longestRow(model, settings);
      const rows = data.map((row, index) => {
        const { prompt, completion: answer } = (row ?? {}) as Partial<PromptCompletion>;
        return encodePrompt(name, model, { prompt, answer, index }, longest);
      });
      return prepareRows(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, prompt }) => [ids, [prompt]],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: {}, // padding stands on the right, where no token looks
        make: rowOfPrompt,
      });
    },
    labelsTokens: true,
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}
