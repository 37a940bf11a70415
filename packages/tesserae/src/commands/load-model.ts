import { stat } from 'node:fs/promises';
import type { Model } from '@tesserae/core';
import { fromPretrained, loadLlama2c } from '@tesserae/hub';
import type { CommandContext } from './context';

/** What a command takes for a model: a folder, a llama2.c checkpoint, or a repository of a hub. */
export const MODEL_WORDS = 'a model folder, a llama2.c checkpoint (.bin), or a repository of a hub such as owner/name';

/** Reads a model from what the command line names. */
export async function loadModel(source: string, context: CommandContext, tokenizer?: string): Promise<Model> {
  const isFile = await stat(source).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) return (await loadLlama2c(source, { tokenizer })) as unknown as Model;
  return fromPretrained(source, { signal: context.signal });
}
