import type { Tensor } from '@tensorflow/tfjs-core';
import type { Model } from '@tesserae/core';
import type { TrainingWarning } from '../callbacks/callback';
import { compareIdentity, readCheckpoint, readNewest } from '../checkpoints/index';
import type { LoadedCheckpoint } from '../checkpoints/index';
import { foreignCheckpoint } from '../checkpoints/checkpoint-errors';
import type { OptimizerState } from '../optimizers/index';
import type { KeptState } from './kept-states';
import { modelLeaves } from './leaves';
import type { Leaf } from './leaves';
import type { Settings } from './settings';
import { stateOf, tensorOf } from './tensor-copies';
import type { StateCopy } from './tensor-copies';

/** A run as a checkpoint left it. */
export interface RestoredRun {
  readonly loaded: LoadedCheckpoint;
  /** In the order of the model's tree. */
  readonly parameters: Tensor[];
  readonly state: OptimizerState;
  /** The states that the run may go back to, oldest first. */
  readonly kept: readonly KeptState[];
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
  const present = stateIn(model, settings, loaded);
  const others = new Map(loaded.kept.map((one) => [one.step, one]));
  const kept = state.kept.map((one) => others.get(one.step) ?? { ...present, ...one });
  return { loaded, parameters: present.parameters.map(tensorOf), state: stateOf(present.state), kept };
}

/**
 * The state that a checkpoint holds, as the training step wants it.
 *
 * @throws E_CHECKPOINT_FOREIGN when its parameters are not the model's
 */
export function stateIn<C>(model: Model<C>, settings: Settings, loaded: LoadedCheckpoint): StateCopy {
  const leaves = modelLeaves(model, settings.trainable);
  checkShapes(leaves, loaded);
  const learning = leaves.filter(({ learns }) => learns);
  return {
    parameters: learning.map(({ checkpointName }) => loaded.parameters.get(checkpointName)!),
    state: loaded.optimizerState,
  };
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
