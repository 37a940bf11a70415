import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { flattenParams } from '@tesserae/core';
import type { Model, SafetensorsTensor } from '@tesserae/core';
import { compareIdentity, readCheckpoint, readNewest } from '../checkpoints/index';
import type { LoadedCheckpoint } from '../checkpoints/index';
import { foreignCheckpoint } from '../checkpoints/checkpoint-errors';
import type { OptimizerState } from '../optimizers/index';
import type { TrainingWarning } from './options';
import type { Settings } from './settings';

/** A run as a checkpoint left it. */
export interface RestoredRun {
  readonly loaded: LoadedCheckpoint;
  /** In the order of the model's tree. */
  readonly parameters: Tensor[];
  readonly state: OptimizerState;
}

/** The name in a checkpoint of each path of the model's tree. */
export function checkpointNames<C>({ architecture, config, params }: Model<C>): [path: string, name: string][] {
  const names = new Map(architecture.parameters(config).map(({ path, checkpointName }) => [path, checkpointName]));
  return flattenParams(params).map(([path]) => [path, names.get(path) ?? path]);
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
  checkShapes(model, loaded);
  const parameters = checkpointNames(model).map(([, name]) => tensorOf(loaded.parameters.get(name)!));
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

function checkShapes<C>(model: Model<C>, { folder, parameters }: LoadedCheckpoint): void {
  const specs = new Map(flattenParams(model.params).map(([path, weight]) => [path, weight as Tensor]));
  const fix = 'resume with the model that it was made from';
  const names = checkpointNames(model);
  for (const [path, name] of names) {
    const [wanted, found] = [specs.get(path)?.shape, parameters.get(name)?.shape];
    if (JSON.stringify(wanted) === JSON.stringify(found)) continue;
    throw foreignCheckpoint(
      folder,
      `${name} is [${String(wanted)}] here and [${String(found ?? 'absent')}] in it`,
      fix,
    );
  }
  if (parameters.size !== names.length) {
    throw foreignCheckpoint(folder, `it has ${parameters.size} parameters, this model has ${names.length}`, fix);
  }
}

function tensorOf({ data, shape, dtype }: SafetensorsTensor): Tensor {
  const type = dtype === 'I32' ? 'int32' : dtype === 'BOOL' ? 'bool' : 'float32';
  return tf.tensor(data as Float32Array, [...shape], type);
}
