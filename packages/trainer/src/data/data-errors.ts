import { tesseraeError } from '@tesserae/registry';

/** Nothing to learn from. */
export const emptyText = (what: string): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_EMPTY_TEXT',
    message: `${what} has no text in it`,
    fix: 'give at least a few thousand characters',
  });

/** A split that does not hold one window. */
export const textTooShort = (split: string, tokens: number, contextLength: number): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_TEXT_TOO_SHORT',
    message: `the ${split} text has ${tokens} tokens; a context of ${contextLength} needs at least ${contextLength + 1}`,
    fix:
      split === 'validation'
        ? 'give more text, raise validationFraction, shorten contextLength, or leave evaluateEvery out'
        : 'give more text or shorten contextLength',
    details: { split, tokens, contextLength },
  });

/** Ids that the embedding table has no row for. */
export const outsideVocabulary = (id: number, position: number | undefined, vocabSize: number): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_VOCABULARY',
    message: `token ${id}${position === undefined ? '' : ` at position ${position}`} is outside the model's vocabulary of ${vocabSize} (ids 0 to ${vocabSize - 1})`,
    fix: `encode with the model's own tokenizer, or make the model with a vocabSize of at least ${Math.max(id + 1, 1)}`,
    details: { id, position, vocabSize },
  });
