import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';

/** The data of a task is not what the task can use. */
export const badData = (task: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: task, code: 'E_EVALUATION_DATA', message, fix });

/** The model cannot do the task. */
export const badModel = (task: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: task, code: 'E_EVALUATION_MODEL', message, fix });

/** @throws E_EVALUATION_DATA unless the value is a list with something in it */
export function checkList(task: string, name: string, value: unknown): void {
  if (Array.isArray(value) && value.length > 0) return;
  const found = Array.isArray(value) ? 'none' : value === null ? 'null' : typeof value;
  throw badData(task, `${name} must be a list of at least one, found ${found}`, `give ${name} as a list`);
}

/** The tokenizer of a model. @throws E_TOKENIZER when it has none */
export function tokenizerOf(task: string, { tokenizer }: Model): Tokenizer {
  if (typeof tokenizer?.encode === 'function') return tokenizer;
  throw tesseraeError({
    package: 'trainer',
    plugin: task,
    code: 'E_TOKENIZER',
    message: 'the data is text, and the model has no tokenizer',
    fix: 'use a model with one: { ...model, tokenizer }',
  });
}

/** @throws E_EVALUATION_DATA when an id has no row in the embedding table */
export function checkIds(task: string, ids: ArrayLike<number>, { config }: Model): void {
  for (let i = 0; i < ids.length; i++) {
    if (Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < config.vocabSize) continue;
    throw badData(
      task,
      `there is the id ${String(ids[i])}; the model knows 0 to ${config.vocabSize - 1}`,
      'encode with the tokenizer of the model',
    );
  }
}

/** @throws E_EVALUATION_MODEL unless the model stands on one of these heads */
export function requireHead(task: string, { config, architecture }: Model, ...heads: (string | undefined)[]): void {
  if (heads.includes(config.head)) return;
  const wanted = heads.filter((head) => head !== undefined).map((head) => `'${head}'`);
  throw badModel(
    task,
    `${architecture.name} has the head ${config.head === undefined ? 'of its architecture' : `'${config.head}'`}`,
    `use a model with the head ${wanted.join(' or ')}`,
  );
}
