import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { llama, selectBackend, unflattenParams } from '@tesserae/core';
import type { LlamaConfig, Model, Params } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';
import type { Tokenizer } from '@tesserae/tokenizer';
import { checkOptions } from '../options';
import { llama2cError, LONG_HEADER_BYTES, readLlama2cHeader } from './header';
import type { Llama2cHeader } from './header';
import { llama2cLayout, reorderRotaryRows } from './layout';
import type { Llama2cPart } from './layout';
import { readLlama2cTokenizer } from './read-tokenizer';

/** How a llama2.c checkpoint is read. */
export interface Llama2cOptions {
  /**
   * The `tokenizer.bin` that belongs to it, a tokenizer, or null for none. When absent `tokNNN.bin` beside the checkpoint,
   * where NNN is the size of its vocabulary, or `tokenizer.bin`, if either is there.
   */
  readonly tokenizer?: string | Tokenizer | null | undefined;
}

async function fill(handle: FileHandle, target: ArrayBufferView, position: number, what: string): Promise<void> {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(2 ** 28, bytes.byteLength - at), position + at);
    if (bytesRead === 0) throw llama2cError(what, 'it ends before its last weight');
    at += bytesRead;
  }
}

/** One part's values; those of version 2 are 8-bit numbers times the scale of their group. */
async function readPart(
  handle: FileHandle,
  { elements, byteOffset, scaleOffset }: Llama2cPart,
  { groupSize }: Llama2cHeader,
  what: string,
): Promise<Float32Array> {
  const values = new Float32Array(elements);
  if (scaleOffset === undefined) {
    await fill(handle, values, byteOffset, what);
    return values;
  }
  const numbers = new Int8Array(elements);
  const scales = new Float32Array(elements / groupSize);
  await fill(handle, numbers, byteOffset, what);
  await fill(handle, scales, scaleOffset, what);
  for (let i = 0; i < elements; i++) values[i] = numbers[i] * scales[Math.floor(i / groupSize)];
  return values;
}

async function readParams(
  handle: FileHandle,
  header: Llama2cHeader,
  parts: Llama2cPart[],
  what: string,
): Promise<Params> {
  const pairs: [string, tf.Tensor][] = [];
  try {
    for (const part of parts) {
      if (!part.spec) continue;
      let values = await readPart(handle, part, header, what);
      const turned = /attention\.(query|key)\.weight$/.test(part.spec.path);
      if (turned) values = reorderRotaryRows(values, header.config, 'halves');
      pairs.push([part.spec.path, tf.tensor(values, [...part.spec.shape], 'float32')]);
    }
    return unflattenParams(pairs);
  } catch (error) {
    for (const [, tensor] of pairs) tensor.dispose();
    throw error;
  }
}

async function findTokenizer(file: string, vocabSize: number): Promise<string | undefined> {
  for (const name of [`tok${vocabSize}.bin`, 'tokenizer.bin']) {
    const beside = path.join(path.dirname(file), name);
    if (
      await stat(beside).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return beside;
  }
  return undefined;
}

async function tokenizerFor(
  file: string,
  { tokenizer }: Llama2cOptions,
  vocabSize: number,
): Promise<Tokenizer | undefined> {
  if (tokenizer === null || typeof tokenizer === 'object') return tokenizer ?? undefined;
  const source = tokenizer ?? (await findTokenizer(file, vocabSize));
  return source === undefined ? undefined : readLlama2cTokenizer(source, vocabSize);
}

/** Reads a file's header and checks that the file is as long as it must be. */
export async function openLlama2c(
  file: string,
): Promise<{ handle: FileHandle; header: Llama2cHeader; parts: Llama2cPart[] }> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw tesseraeError({
      package: 'hub',
      code: 'E_NOT_FOUND',
      message: `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      fix: 'give the path of a llama2.c checkpoint, such as stories15M.bin',
      cause,
    });
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw llama2cError(file, 'it is no file');
    const first = new Uint8Array(Math.min(LONG_HEADER_BYTES, found.size));
    await fill(handle, first, 0, file);
    const header = readLlama2cHeader(first, file);
    const { parts, fileBytes } = llama2cLayout(header);
    if (fileBytes !== found.size) {
      throw llama2cError(
        file,
        `a model of the sizes in its header takes ${fileBytes} bytes, the file has ${found.size}`,
      );
    }
    return { handle, header, parts };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Loads a checkpoint of llama2.c: the legacy form (seven numbers, then float32) and versions 1 (float32) and 2 (8 bits in
 * groups with a scale, widened to float32), as its `export.py` writes them, with its tokenizer. The result is a Llama model
 * like any other: query and key rows are put into the order that Hugging Face's Llama has, so it can be trained and saved
 * as a Hugging Face folder. What llama2.c takes for granted becomes its config: a norm epsilon of 1e-5, a rotary base of
 * 10,000 (stored angles are not read), `<s>` as the separator of texts.
 *
 * @param file the checkpoint, such as `stories15M.bin`
 * @param options `tokenizer`: its `tokenizer.bin`; found beside the checkpoint when absent
 * @returns the model; its tensors are on the active backend (one is selected when none was)
 * @throws E_NOT_FOUND; E_LLAMA2C for a file that is none, damaged or of another length than its header asks for (checked
 *   before anything is allocated); E_LLAMA2C_TOKENIZER; E_UNKNOWN_OPTION; E_PATH
 * @see https://github.com/karpathy/llama2.c, `export.py`
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import path from 'node:path';
 * import { createModel, llama } from '@tesserae/core';
 * import { loadLlama2c, saveLlama2c } from '@tesserae/hub';
 *
 * const file = path.join(mkdtempSync(path.join(tmpdir(), 'example-')), 'model.bin');
 * const sizes = { vocabSize: 11, hiddenSize: 8, intermediateSize: 12, numHiddenLayers: 1, numAttentionHeads: 2 };
 * await saveLlama2c(createModel(llama, { ...sizes, maxPositionEmbeddings: 16, rmsNormEpsilon: 1e-5 }), file);
 * const model = await loadLlama2c(file);
 * console.log(model.architecture.name, model.config.hiddenSize); // → llama 8
 * ```
 */
export async function loadLlama2c(file: string, options: Llama2cOptions = {}): Promise<Model<LlamaConfig>> {
  checkOptions('loadLlama2c', options, ['tokenizer']);
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw tesseraeError({
      package: 'hub',
      code: 'E_PATH',
      message: `expected the path of a file, found ${JSON.stringify(file) ?? String(file)}`,
      fix: 'give the path of a llama2.c checkpoint',
    });
  }
  const { handle, header, parts } = await openLlama2c(file);
  try {
    const tokenizer = await tokenizerFor(file, options, header.config.vocabSize);
    if (tf.getBackend() === undefined || tf.getBackend() === '') await selectBackend();
    const params = await readParams(handle, header, parts, file);
    return { architecture: llama, config: header.config, params, ...(tokenizer && { tokenizer }) };
  } finally {
    await handle.close();
  }
}
