import type { ArchitectureConfig, Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { cannotPack } from '../objectives/packing-errors';
import type { TextSequences } from '../objectives/text-rows';
import { learnersTokenizer } from '../objectives/objective-errors';
import type { TrainOptions } from './options';

/**
 * Checks that model and objective can have several sequences in a row, where the options ask for it.
 *
 * @throws E_PACKING with why not, E_OPTION where packing meets another option
 */
export function checkPacking<C extends ArchitectureConfig>(
  { architecture }: Model<C>,
  { packing, bucketing, objective }: TrainOptions,
): void {
  if (packing === undefined || packing === false) return;
  if (bucketing !== undefined && bucketing !== false)
    throw tesseraeError({
      package: 'trainer',
      plugin: 'train',
      code: 'E_OPTION',
      message: 'packing and bucketing are both given, and packed rows are all of one length',
      fix: 'leave one of them out',
    });
  if (objective !== undefined && objective.packs !== true)
    throw cannotPack(
      objective.name,
      objective.packs ?? 'it does not say that rows of its data can share one of the batch',
      'leave packing out, or use bucketing against padding',
    );
  if (architecture.packs === true) return;
  const why = architecture.encode
    ? 'an encoder-decoder takes one sequence a row'
    : architecture.virtualTokens !== undefined
      ? 'its virtual tokens stand before a row, not before each of its sequences'
      : 'it does not know sequenceIds';
  throw cannotPack('train', `${architecture.name}: ${why}`, 'leave packing out, or use bucketing against padding');
}

/** How texts become sequences, where there is no objective. */
export function textSequencesOf(
  model: Model,
  { textColumn: column = 'text' }: TrainOptions,
  contextLength: number,
): TextSequences {
  const { eosTokenId } = model.config;
  const endId = typeof eosTokenId === 'number' ? eosTokenId : eosTokenId?.[0];
  return { tokenizer: learnersTokenizer('train', model), column, endId, contextLength };
}
