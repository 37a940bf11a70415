import { stat } from 'node:fs/promises';
import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { downloadPretrained } from './download/download-pretrained';
import { downloadOptions, isRepositoryId } from './download/options';
import type { DownloadOptions } from './download/options';
import { loadOptions, loadPretrained } from './folders/load-pretrained';
import type { LoadOptions } from './folders/load-pretrained';
import { checkOptions } from './options';

/** Where a model comes from and how it is read. */
export interface FromPretrainedOptions extends LoadOptions, DownloadOptions {}

const pick = (options: object, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/**
 * Loads a model from a folder, or from a Hugging Face hub by the name of its repository: {@link downloadPretrained} where
 * there is no such folder, then {@link loadPretrained}.
 *
 * @param idOrFolder a folder that exists, or a repository such as `openai-community/gpt2`
 * @param options those of both: revision, cache folder, token, offline; config file, tokenizer, dtype
 * @returns the model; its tensors are on the active backend (one is selected when none was)
 * @throws E_NOT_FOUND when it is neither a folder nor the name of a repository; the codes of `downloadPretrained` and
 *   `loadPretrained`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, gpt2 } from '@tesserae/core';
 * import { fromPretrained, savePretrained } from '@tesserae/hub';
 *
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 };
 * await savePretrained(createModel(gpt2, config, { seed: 1 }), folder);
 * const model = await fromPretrained(folder, { dtype: 'bfloat16' }); // or 'openai-community/gpt2'
 * console.log(model.architecture.name, model.config.hiddenSize); // → gpt2 8
 * ```
 */
export async function fromPretrained(idOrFolder: string, options: FromPretrainedOptions = {}): Promise<Model> {
  checkOptions('fromPretrained', options, [...loadOptions, ...downloadOptions]);
  const reading = pick(options, loadOptions);
  const isPath = typeof idOrFolder === 'string' && idOrFolder !== '' && !idOrFolder.includes('\0');
  if (!isPath || (await isFolder(idOrFolder))) return loadPretrained(idOrFolder, reading);
  if (!isRepositoryId(idOrFolder)) {
    throw tesseraeError({
      package: 'hub',
      code: 'E_NOT_FOUND',
      message: `there is no folder ${idOrFolder}, and a repository of a hub is not called so`,
      fix: "give a folder that exists, or 'owner/name'",
    });
  }
  return loadPretrained(await downloadPretrained(idOrFolder, pick(options, downloadOptions)), reading);
}
