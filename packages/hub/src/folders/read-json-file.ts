import { readFile, stat } from 'node:fs/promises';
import { parseStrictJson } from '@tesserae/core';
import { tesseraeError } from '@tesserae/registry';

/** No config or golden file comes near these. */
const MAX_BYTES = 64 * 2 ** 20;
const MAX_VALUES = 2 ** 20;

/** Reads a file of bounded size; `undefined` when there is none. */
async function readBounded(file: string): Promise<Uint8Array | undefined> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) {
      throw tesseraeError({
        package: 'hub',
        code: 'E_CONFIG_SIZE',
        message: `${file} has ${size} bytes, more than ${MAX_BYTES} allowed`,
        fix: 'check where the file came from',
      });
    }
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Reads a JSON object and its bytes; throws when there is none. */
export async function readJsonObject(file: string): Promise<{ json: Record<string, unknown>; bytes: Uint8Array }> {
  const bytes = await readBounded(file);
  const value = bytes && parseStrictJson(bytes, { what: file, maxValues: MAX_VALUES });
  if (bytes && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { json: value as Record<string, unknown>, bytes };
  }
  throw tesseraeError({
    package: 'hub',
    code: bytes ? 'E_CONFIG_FIELD' : 'E_NOT_FOUND',
    message: bytes ? `${file} holds no object` : `there is no ${file}`,
    fix: 'give the folder of a Hugging Face checkpoint: config.json, model.safetensors, tokenizer.json',
  });
}
