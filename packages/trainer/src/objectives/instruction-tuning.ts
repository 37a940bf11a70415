import type { Model } from '@tesserae/core';
import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { ChatMessage, ChatTemplate, ChatTemplateOptions } from '@tesserae/tokenizer';
import { checkOptions, oneOf, rules } from '../options';
import { encodeConversation } from './conversation-row';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows } from './objective-errors';
import { longestRow } from './padded-rows';
import { prepareRows } from './prepare-rows';
import { labelLoss } from './token-loss';

/** A conversation, or its messages alone. */
export type Conversation =
  readonly ChatMessage[] | { readonly messages: readonly ChatMessage[]; readonly tools?: readonly object[] };

/** Options of {@link instructionTuning}. */
export interface InstructionTuningOptions extends Pick<ChatTemplateOptions, 'template' | 'variables'> {
  /** How conversations are written; the tokenizer's own when absent. */
  readonly chatTemplate?: ChatTemplate;
  /** Which turns of the assistant are learned, all or the last alone: `all`. */
  readonly turns?: 'all' | 'last';
}

/**
 * Learning to answer as the assistant of conversations does: the conversation is written by the chat template, and what the
 * assistant says counts alone, with the token that ends it.
 *
 * The loss is the cross-entropy of the assistant's tokens, in all of its turns. Where they stand follows from the template
 * itself: a turn begins where the conversation so far, with what begins an answer, ends. The data is a list of `{ messages }`.
 *
 * @param options the template, and which turns are learned
 * @returns the objective, for `train(model, { data: conversations, objective, … })` with a model that only decodes
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Ouyang et al.: "Training language models to follow instructions with human feedback" (2022), section 3.4; as
 * `assistant_only_loss` of TRL.
 *
 * @example
 * ```ts
 * import { instructionTuning } from '@tesserae/trainer';
 * console.log(instructionTuning({ turns: 'last' }).hyperparameters.turns); // → last
 * ```
 */
export const instructionTuning: Plugin<
  'objective',
  'instruction-tuning',
  (options?: InstructionTuningOptions) => Objective
> = /* @__PURE__ */ definePlugin({
  kind: 'objective',
  name: 'instruction-tuning',
  package: '@tesserae/trainer',
  apiVersion: 1,
  description: 'Learning to answer as the assistant of conversations does',
  create: createInstructionTuning,
});

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:instruction-tuning': typeof instructionTuning;
  }
}

const name = 'instruction-tuning';

function createInstructionTuning(options: InstructionTuningOptions = {}): Objective {
  checkOptions<InstructionTuningOptions>(name, options, {
    template: rules.string,
    variables: rules.object,
    chatTemplate: rules.object,
    turns: oneOf('all', 'last'),
  });
  const { turns = 'all' } = options;
  return {
    name,
    hyperparameters: { turns },
    packs: true,
    prepare(model, data, settings) {
      if (model.architecture.encode !== undefined)
        throw badLearner(name, `${model.architecture.name} has an encoder`, 'use the objective sequenceToSequence()');
      checkRows(name, data, 'conversations');
      const longest = longestRow(model, settings);
      const rows = data.map((row, i) => readRow(row, i, model, longest, options));
      return prepareRows(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, labels }) => [ids, labels],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: {}, // padding stands on the right, where no token looks
        make: ({ ids, labels }) => ({ inputIds: ids.slice(0, -1), labels: labels.slice(1) }),
      });
    },
    labelsTokens: true,
    loss: ({ logits }, { labels }) => labelLoss(logits, labels),
  };
}

function readRow(
  row: unknown,
  index: number,
  model: Model,
  longest: number,
  { turns = 'all', ...how }: InstructionTuningOptions,
): ReturnType<typeof encodeConversation> {
  const { messages, tools } = (Array.isArray(row) ? { messages: row as unknown } : (row ?? {})) as {
    messages?: readonly ChatMessage[];
    tools?: readonly object[];
  };
  if (!Array.isArray(messages))
    throw badRows(name, `row ${index} has no messages`, 'give { messages: [{ role, content }] }');
  const conversation = { messages: messages as ChatMessage[], tools, index, turns, ...how };
  return encodeConversation(name, model, conversation, longest);
}
