import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Model, SafetensorsTensor } from '@tesserae/core';
import { compareIdentity, readCheckpoint, readNewest } from '../checkpoints/index';
import type { LoadedCheckpoint } from '../checkpoints/index';
import { foreignCheckpoint } from '../checkpoints/checkpoint-errors';
import type { OptimizerState } from '../optimizers/index';
import type { TrainingWarning } from './options';
import { modelLeaves } from './leaves';
import type { Leaf } from './leaves';
import type { Settings } from './settings';

/** A run as a checkpoint left it. */
export interface RestoredRun {
  readonly loaded: LoadedCheckpoint;
  /** In the order of the model's tree. */
  readonly parameters: Tensor[];
  readonly state: OptimizerState;
}

/**
 * Finds and reads the checkpoint to continue from, as the options say.
 *
 * @param damaged collects the folders of checkpoints that were passed over
 * @returns undefined when the run starts at the beginning
 * @throws E_NOT_FOUND, E_CHECKPOINT_TRUNCATED, E_CHECKPOINT_FOREIGN
 */
export async function restoreRun<C>(
  model: Model<C>,
  settings: Settings,
  warn: (warning: TrainingWarning) => void,
  damaged: Set<string>,
): Promise<RestoredRun | undefined> {
  const loaded = await findCheckpoint(settings, warn, damaged);
  if (loaded === undefined) return undefined;
  const { folder, state } = loaded;
  const changed = compareIdentity(folder, settings.identity, state.identity);
  if (changed.length > 0) {
    warn({
      code: 'W_NOT_EXACT',
      message: `the run goes on, but not bit for bit as it would have without the interruption: ${changed.join('; ')}`,
    });
  }
  const leaves = modelLeaves(model, settings.trainable);
  checkShapes(leaves, loaded);
  const learning = leaves.filter(({ learns }) => learns);
  const parameters = learning.map(({ checkpointName }) => tensorOf(loaded.parameters.get(checkpointName)!));
  const slots = Object.entries(loaded.optimizerState).map(([slot, tensors]) => [slot, tensors.map(tensorOf)] as const);
  return { loaded, parameters, state: Object.fromEntries(slots) };
}

async function findCheckpoint(
  { resume, checkpoint }: Settings,
  warn: (warning: TrainingWarning) => void,
  damaged: Set<string>,
): Promise<LoadedCheckpoint | undefined> {
  if (resume === false) return undefined;
  if (typeof resume === 'string') return readCheckpoint(resume);
  return readNewest(checkpoint!.folder, (error) => {
    const { folder } = (error as Error & { details: { folder: string } }).details;
    damaged.add(folder);
    warn({ code: 'W_CHECKPOINT_DAMAGED', message: `passing over a damaged checkpoint: ${error.message}` });
  });
}

/** The parameters that learn must be there in their shapes, and nothing that the model has not. */
function checkShapes(leaves: readonly Leaf[], { folder, parameters }: LoadedCheckpoint): void {
  const fix = 'resume with the model that it was made from';
  for (const { checkpointName: name, tensor, learns } of leaves) {
    const found = parameters.get(name)?.shape;
    if (found === undefined ? !learns : JSON.stringify(tensor.shape) === JSON.stringify(found)) continue;
    const there = String(found ?? 'absent');
    throw foreignCheckpoint(folder, `${name} is [${String(tensor.shape)}] here and [${there}] in it`, fix);
  }
  const names = new Set(leaves.map(({ checkpointName }) => checkpointName));
  const strange = [...parameters.keys()].find((name) => !names.has(name));
  if (strange !== undefined) throw foreignCheckpoint(folder, `it has a parameter ${strange}, this model has none`, fix);
}

function tensorOf({ data, shape, dtype }: SafetensorsTensor): Tensor {
  const type = dtype === 'I32' ? 'int32' : dtype === 'BOOL' ? 'bool' : 'float32';
  return tf.tensor(data as Float32Array, [...shape], type);
}
