import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';

/** The data is not what the objective learns from. */
export const badRows = (objective: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: objective, code: 'E_OBJECTIVE_DATA', message, fix });

/** The model cannot learn this. */
export const badLearner = (objective: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: objective, code: 'E_OBJECTIVE_MODEL', message, fix });

/** @throws E_OBJECTIVE_DATA unless the data is a list of at least two rows */
export function checkRows(objective: string, data: unknown, what: string): asserts data is readonly unknown[] {
  if (Array.isArray(data) && data.length >= 2) return;
  const found = Array.isArray(data) ? `${data.length}` : data === null ? 'null' : typeof data;
  throw badRows(objective, `expected a list of two or more ${what}, found ${found}`, `give data as a list of ${what}`);
}

/** The tokenizer of a model. @throws E_TOKENIZER when it has none */
export function learnersTokenizer(objective: string, { tokenizer }: Model): Tokenizer {
  if (typeof tokenizer?.encode === 'function') return tokenizer;
  throw tesseraeError({
    package: 'trainer',
    plugin: objective,
    code: 'E_TOKENIZER',
    message: 'the data is text, and the model has no tokenizer',
    fix: 'make the model with a tokenizer',
  });
}

/** @throws E_OBJECTIVE_MODEL unless the model stands on the head */
export function requireLearnersHead(objective: string, { architecture, config }: Model, head: string): void {
  if (config.head === head) return;
  throw badLearner(
    objective,
    `${architecture.name} has the head ${config.head === undefined ? 'of its architecture' : `'${config.head}'`}`,
    `make the model with head: '${head}'`,
  );
}
