import { tesseraeError } from '@tesserae/registry';
import type { Model } from '../model/types';
import type { AttentionPattern, StreamShape } from '../nn/sparse/pattern';
import { refuseOption } from './processors/processor';

/** The model with the attention that a call asks for; `null` is attention to everything before. */
export function withAttention(model: Model, attention: AttentionPattern | null | undefined): Model {
  if (attention === undefined) return model;
  if (attention !== null && typeof attention?.sees !== 'function') {
    refuseOption(
      'attention',
      JSON.stringify(attention),
      'an attention pattern, such as attentionSinks({ window: 252 }), or null',
    );
  }
  if (attention !== null && model.architecture.endless === undefined) {
    throw tesseraeError({
      package: 'core',
      code: 'E_PATTERN',
      message: `${model.architecture.name} takes no attention pattern`,
      fix: 'use a decoder-only architecture',
    });
  }
  return { ...model, config: { ...model.config, attention: attention ?? undefined } };
}

/** The shape of the rolling cache that a model is run with, if its attention streams. */
export const streamOf = ({ config }: Model): StreamShape | undefined => config.attention?.stream;

/** Checks that prompts are of one length: under a pattern positions are slots, so that there is no place for padding. */
export function requireOneLength(prompts: readonly (readonly number[])[]): void {
  const lengths = prompts.map((ids) => ids.length);
  if (lengths.every((length) => length === lengths[0])) return;
  refuseOption(
    'prompt',
    `prompts of ${lengths.join(', ')} tokens`,
    'prompts of one length where the model has an attention pattern, or one prompt a call',
  );
}

/**
 * The pieces in which a prompt is read into a rolling cache: as many as fit at a time, then powers of two, so that prompts
 * of any length share a few programs.
 */
export function streamPieces(length: number, capacity: number): number[] {
  const pieces: number[] = [];
  let size = 2 ** Math.floor(Math.log2(capacity));
  for (let left = length; left > 0; left -= size) {
    while (size > left) size /= 2;
    pieces.push(size);
  }
  return pieces;
}

/** Reads prompts into a cache that rolls; gives the logits after them, [B, V]. */
export async function readStream(
  prompts: readonly (readonly number[])[],
  { sinks, window }: StreamShape,
  run: (host: { ids: Int32Array; positions: Int32Array; batch: number }) => Promise<Float32Array>,
): Promise<Float32Array> {
  let logits: Float32Array | undefined;
  let from = 0;
  for (const time of streamPieces(prompts[0].length, sinks + window)) {
    const ids = Int32Array.from(prompts.flatMap((row) => row.slice(from, from + time))); // [B, T]
    const positions = Int32Array.from(ids, (_, at) => from + (at % time));
    logits = await run({ ids, positions, batch: prompts.length });
    from += time;
  }
  return logits!;
}
