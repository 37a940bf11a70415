import { atomicWrite, flattenParams } from '@tesserae/core';
import type { LlamaConfig, Model } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import { denseValues } from '../folders/dense-values';
import { checkOptions } from '../options';
import { LONG_HEADER_BYTES, SHORT_HEADER_BYTES, writeLlama2cHeader } from './header';
import { angleElements, llama2cLayout, reorderRotaryRows } from './layout';

/** How a llama2.c checkpoint is written. */
export interface SaveLlama2cOptions {
  /** 0, the legacy form that `run.c` reads, or 1, with a proper header; 0 when absent. */
  readonly version?: 0 | 1 | undefined;
}

/** What `run.c` computes; anything else about a config it cannot. */
const wanted: readonly [keyof LlamaConfig, unknown][] = [
  ['hiddenAct', 'silu'],
  ['rmsNormEpsilon', 1e-5],
  ['ropeTheta', 10000],
  ['ropeScaling', null],
  ['attentionBias', false],
  ['mlpBias', false],
];

function checkModel({ architecture, config }: Model<LlamaConfig>): void {
  const problem =
    architecture.name !== 'llama'
      ? `the model is a ${architecture.name}`
      : config.headDim * config.numAttentionHeads !== config.hiddenSize
        ? `headDim is ${config.headDim}`
        : wanted
            .filter(([name, value]) => config[name] !== value)
            .map(([name, value]) => `${name} is ${JSON.stringify(config[name])}, not ${JSON.stringify(value)}`)[0];
  if (problem === undefined) return;
  throw tesseraeError({
    package: 'hub',
    code: 'E_UNSUPPORTED',
    message: `llama2.c cannot compute this model: ${problem}`,
    fix: 'save it as a Hugging Face folder with savePretrained',
  });
}

/** The cosines and then the sines of all positions, as version 0 stores them. */
function angles(config: LlamaConfig): Float32Array {
  const half = config.headDim / 2;
  const out = new Float32Array(angleElements(config));
  for (let position = 0; position < config.maxPositionEmbeddings; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position / config.ropeTheta ** (i / half);
      out[position * half + i] = Math.cos(angle);
      out[out.length / 2 + position * half + i] = Math.sin(angle);
    }
  }
  return out;
}

/**
 * Writes a Llama model as a llama2.c checkpoint, which `run.c` and its ports run. Atomic, one tensor at a time. The
 * tokenizer is not written: llama2.c's is the one that the model came with.
 *
 * @param model a Llama model of the kind that llama2.c computes
 * @param file the path of the file
 * @param options `version`
 * @throws E_UNSUPPORTED for a model that llama2.c cannot compute; E_UNKNOWN_OPTION; E_PATH, E_DISK_FULL, E_NOT_WRITABLE,
 *   E_WRITE_FAILED
 * @see https://github.com/karpathy/llama2.c, `export.py`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync, statSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, llama } from '@tesserae/core';
 * import { saveLlama2c } from '@tesserae/hub';
 *
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'model.bin');
 * const sizes = { vocabSize: 11, hiddenSize: 8, intermediateSize: 12, numHiddenLayers: 1, numAttentionHeads: 2 };
 * const model = createModel(llama, { ...sizes, maxPositionEmbeddings: 16, rmsNormEpsilon: 1e-5, tieWordEmbeddings: true });
 * await saveLlama2c(model, file, { version: 1 });
 * console.log(statSync(file).size); // → 2880
 * ```
 */
export async function saveLlama2c(
  model: Model<LlamaConfig>,
  file: string,
  options: SaveLlama2cOptions = {},
): Promise<void> {
  checkOptions('saveLlama2c', options, ['version']);
  const { version = 0 } = options;
  if (version !== 0 && version !== 1) {
    throw tesseraeError({
      package: 'hub',
      code: 'E_UNKNOWN_OPTION',
      message: `version is ${String(version)}`,
      fix: 'use 0 or 1: quantized checkpoints (version 2) are not written',
    });
  }
  checkModel(model);
  const { config } = model;
  const headerBytes = version === 0 ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES;
  const { parts } = llama2cLayout({ version, config, headerBytes, groupSize: 0 });
  const weights = new Map(flattenParams(model.params));
  await atomicWrite(file, async (out) => {
    await out.write(writeLlama2cHeader(config, version));
    for (const { spec } of parts) {
      const stored = spec ? await denseValues(weights.get(spec.path)!) : angles(config);
      const turned = spec && /attention\.(query|key)\.weight$/.test(spec.path);
      const values = turned ? reorderRotaryRows(stored, config, 'neighbours') : stored;
      await out.write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  });
}
