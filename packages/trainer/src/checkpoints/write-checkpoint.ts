import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Tensor } from '@tensorflow/tfjs-core';
import { atomicWriteFolder, writeSafetensors } from '@tesserae/core';
import type { SafetensorsData, SafetensorsDtype, SafetensorsInput } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { OptimizerState } from '../optimizers/index';
import type { StepRecord } from '../loop/history';
import type { KeptState } from '../loop/kept-states';
import type { TensorCopy } from '../loop/tensor-copies';
import { CHECKPOINT_FORMAT, CHECKPOINT_VERSION, checkpointFiles } from './format';
import type { FileDigest, TrainerState } from './format';

/** All that a run needs to go on. */
export interface CheckpointContent {
  /** Parameters by the name they have in a checkpoint. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly optimizerState: OptimizerState;
  readonly state: TrainerState;
  /** States that the run may go back to, other than the present one. */
  readonly kept: readonly KeptState[];
  /** Adds further files before the folder is completed. */
  readonly alsoWrite?: ((folder: string) => Promise<void> | void) | undefined;
}

/**
 * Writes a checkpoint folder, all or nothing: files, then the marker that vouches for them, then one rename.
 *
 * @throws E_DISK_FULL, E_NOT_WRITABLE, E_WRITE_FAILED; what stood there before is untouched
 */
export async function writeCheckpoint(folder: string, content: CheckpointContent): Promise<void> {
  await atomicWriteFolder(folder, async (staging) => {
    await writeSafetensors(path.join(staging, checkpointFiles.parameters), parameterInputs(content.parameters));
    await writeSafetensors(path.join(staging, checkpointFiles.optimizer), stateInputs(content.optimizerState), {
      format: 'pt',
      slots: JSON.stringify(Object.fromEntries(Object.entries(content.optimizerState).map(([s, t]) => [s, t.length]))),
    });
    if (content.kept.length > 0)
      await writeSafetensors(path.join(staging, checkpointFiles.kept), content.kept.flatMap(keptInputs));
    await writeFile(path.join(staging, checkpointFiles.state), JSON.stringify(stateJson(content.state)));
    await content.alsoWrite?.(staging);
    const files: Record<string, FileDigest> = {};
    for (const name of await listFiles(staging)) files[name] = await digestOf(path.join(staging, name));
    const marker = { format: CHECKPOINT_FORMAT, version: CHECKPOINT_VERSION, step: content.state.step, files };
    await writeFile(path.join(staging, checkpointFiles.marker), JSON.stringify(marker, null, 2));
  });
}

/** Size and hash of a file as it stands on the disk. */
export async function digestOf(file: string): Promise<FileDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  });
  return { bytes, sha256: hash.digest('hex') };
}

const parameterInputs = (parameters: ReadonlyMap<string, Tensor>): SafetensorsInput[] =>
  [...parameters].map(([name, tensor]) => inputOf(name, tensor));

const stateInputs = (state: OptimizerState): SafetensorsInput[] =>
  Object.entries(state).flatMap(([slot, tensors]) => tensors.map((tensor, i) => inputOf(`${slot}.${i}`, tensor)));

/** `12/parameters.0`, `12/state.firstMoment.0`, for the state after 12 steps. */
function keptInputs({ step, parameters, state }: KeptState): SafetensorsInput[] {
  const inputs = (name: string, copies: readonly TensorCopy[]): SafetensorsInput[] =>
    copies.map(({ data, shape, dtype }, i) => {
      return { name: `${step}/${name}.${i}`, dtype: dtype as SafetensorsDtype, shape, data };
    });
  const slots = Object.entries(state).flatMap(([slot, copies]) => inputs(`state.${slot}`, copies));
  return [...inputs('parameters', parameters), ...slots];
}

const dtypes: Record<string, SafetensorsDtype | undefined> = { float32: 'F32', int32: 'I32', bool: 'BOOL' };

function inputOf(name: string, tensor: Tensor): SafetensorsInput {
  const dtype = dtypes[tensor.dtype];
  if (dtype === undefined) {
    throw tesseraeError({
      package: 'trainer',
      code: 'E_OPTIMIZER_STATE',
      message: `${name} is a ${tensor.dtype} tensor, which a checkpoint cannot hold`,
      fix: 'use float32, int32 or bool tensors',
    });
  }
  return { name, dtype, shape: tensor.shape, data: async () => (await tensor.data()) as SafetensorsData };
}

/** Records as columns: a tenth of the size of a list of objects. */
function stateJson(state: TrainerState): object {
  const column = (
    name: Exclude<keyof StepRecord, 'parts' | 'dataWaitMilliseconds' | 'fill' | 'lossScale' | 'skipped'>,
  ): number[] => state.steps.map((record) => record[name]);
  return {
    format: CHECKPOINT_FORMAT,
    version: CHECKPOINT_VERSION,
    step: state.step,
    identity: state.identity,
    steps: {
      step: column('step'),
      loss: column('loss'),
      gradientNorm: column('gradientNorm'),
      learningRate: column('learningRate'),
      tokensPerSecond: column('tokensPerSecond').map((rate) => Math.round(rate)),
      ...(state.steps.some(({ dataWaitMilliseconds: wait }) => wait !== undefined) && {
        dataWaitMilliseconds: state.steps.map(({ dataWaitMilliseconds: wait = 0 }) => Math.round(wait * 1000) / 1000),
      }),
      ...(state.steps.some(({ lossScale }) => lossScale !== undefined) && {
        lossScale: state.steps.map(({ lossScale }) => lossScale ?? null),
        skipped: state.steps.flatMap(({ skipped, step }) => (skipped ? [step] : [])),
      }),
      ...(state.steps.some(({ fill }) => fill !== undefined) && { fill: state.steps.map(({ fill }) => fill ?? null) }),
      ...(state.steps.some(({ parts }) => parts) && { parts: state.steps.map(({ parts }) => parts ?? null) }),
    },
    evaluations: state.evaluations,
    best: state.best ?? null,
    ...(state.data !== undefined && { data: state.data }),
    rollbacks: state.rollbacks.map((one) => ({
      ...one,
      loss: Number.isFinite(one.loss) ? one.loss : String(one.loss),
    })),
    callbacks: state.callbacks,
    kept: state.kept,
  };
}

async function listFiles(folder: string, inside = ''): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(path.join(folder, inside), { withFileTypes: true })) {
    const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory()) names.push(...(await listFiles(folder, name)));
    else if (entry.isFile()) names.push(name);
  }
  return names;
}
