import * as tf from '@tensorflow/tfjs-core';
import { disposeModel, registerGradients, releaseGenerationPrograms } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { loadPretrained } from '../folders/load-pretrained';
import { checkExperts, withForwardArguments } from './check-experts';
import { checkForward } from './check-forward';
import { checkGeneration } from './check-generation';
import { checkGradients } from './check-gradients';
import { checkTraining } from './check-training';
import { readGolden } from './golden';
import type { Golden, GoldenFolder } from './golden';
import { readInputs, unknownInputs } from './inputs';
import type { VerifyReport, VerifyRow } from './report';

/** How a folder is verified. */
export interface VerifyOptions {
  /** Anything that is listed and cannot be done yet counts as a failure. */
  readonly strict?: boolean | undefined;
  /** Another config file of the folder; `config.json` when absent. */
  readonly configFile?: string | undefined;
}

/** Parts of golden.json that say how it was made and ask for nothing. */
const descriptive = [
  'name', 'set', 'architecture', 'seed', 'transformers', 'crosschecked_with', 'torch', 'checks', 'note',
  'inputs', 'loss', 'outputs', 'grads', 'grad_stats', 'grad_total_norm', 'adamw_training', 'generate',
]; // prettier-ignore

/** Names what golden.json asks for as a whole and is not understood here. */
function listUnknown(golden: Golden, model: Model): string[] {
  const experts = 'outputRouterLogits' in model.config;
  const known = experts ? [...descriptive, 'aux_loss', 'loss_without_aux'] : descriptive;
  const unknown = Object.keys(golden).filter((name) => !known.includes(name));
  return [...unknown, ...unknownInputs(golden, model, experts ? ['output_router_logits'] : [])];
}

async function check(model: Model, folder: GoldenFolder, notDone: string[]): Promise<VerifyRow[]> {
  const { golden } = folder;
  const { inputs, targets } = readInputs(model, folder);
  registerGradients(); // in Node tfjs-core brings none
  try {
    const rows = await checkForward(model, folder, inputs, notDone);
    if (targets) rows.push(...(await checkGradients(model, folder, inputs, targets, notDone)));
    if (targets?.labels) rows.push(...(await checkExperts(model, golden, inputs, targets.labels)));
    if (targets && golden.adamw_training) rows.push(...(await checkTraining(model, folder, inputs, targets)));
    if (!targets) notDone.push(...['loss', 'grads', 'grad_stats', 'adamw_training'].filter((name) => name in golden));
    rows.push(...(await checkGeneration(model, folder, notDone)));
    return rows;
  } finally {
    tf.dispose({ ...inputs, ...targets } as unknown as tf.TensorContainer);
    releaseGenerationPrograms();
  }
}

/**
 * Checks a checkpoint folder against reference values beside it (`golden.json` and `golden.safetensors`): loads it and runs
 * what is listed there and can be done: the forward pass with every output at unmasked positions, the loss, gradients and
 * their statistics, the AdamW losses, greedy generation with the logits of each step, beam search with its scores.
 *
 * @param folder a Hugging Face folder with `golden.json`
 * @param options `strict`: what is left out counts as a failure; another config file
 * @returns each difference beside its tolerance, what cannot be done yet by name, and whether all is well
 * @throws E_GOLDEN when golden.json or its tensors are not as they should be; E_UNKNOWN_OPTION; the codes of `loadPretrained`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, gpt2, writeSafetensors } from '@tesserae/core';
 * import { savePretrained, verifyCheckpoint } from '@tesserae/hub';
 *
 * await tf.setBackend('cpu');
 * const folder = mkdtempSync(path.join(tmpdir(), 'example-'));
 * const config = { vocabSize: 5, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 8 };
 * const model = createModel(gpt2, config, { seed: 1 });
 * await savePretrained(model, folder);
 * const inputIds = tf.tensor2d([[1, 2]], [1, 2], 'int32');
 * const { logits } = model.architecture.forward(model.params, { inputIds }, { config: model.config });
 * const data = logits.dataSync() as Float32Array;
 * await writeSafetensors(path.join(folder, 'golden.safetensors'), [{ name: 'l', dtype: 'F32', shape: [1, 2, 5], data }]);
 * const golden = { name: 'own', inputs: { ints: { input_ids: [[1, 2]] } }, outputs: { logits: { tensor: 'l', shape: [1, 2, 5] } } };
 * writeFileSync(path.join(folder, 'golden.json'), JSON.stringify(golden));
 * console.log((await verifyCheckpoint(folder)).ok); // → true
 * ```
 */
export async function verifyCheckpoint(folder: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { strict = false, configFile = 'config.json', ...rest } = options;
  if (Object.keys(rest).length > 0 || typeof strict !== 'boolean') {
    throw tesseraeError({
      package: 'hub',
      code: 'E_UNKNOWN_OPTION',
      message: `verifyCheckpoint has the options strict (true or false) and configFile, found ${Object.keys(options).join(', ')}`,
      fix: 'remove or correct the others',
    });
  }
  const found = await readGolden(folder);
  const loaded = await loadPretrained(folder, { configFile, tokenizer: null });
  const model = withForwardArguments(loaded, found.golden);
  const notDone = listUnknown(found.golden, model);
  try {
    const rows = await check(model, found, notDone);
    const ok = rows.every((row) => row.ok) && (!strict || notDone.length === 0);
    const architecture = model.architecture.name;
    return { folder, name: found.golden.name, architecture, backend: tf.getBackend(), rows, notDone, ok };
  } finally {
    disposeModel(model);
  }
}
