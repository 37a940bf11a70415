import * as tf from '@tensorflow/tfjs-core';
import type { RopeScaling } from '../architectures/ropeScaling';
import { virtualIds } from '../architectures/virtualTokens';
import { cacheShapeOf } from '../model/cacheShape';
import type { EncoderOutput, KeyValueCache, Model } from '../model/types';
import { createKeyValueCache, disposeKeyValueCache } from '../nn/keyValueCache';
import { programsFor } from './programs';
import type { StepInputs } from './programs';
import { positionLimitOf } from './prompt';
import { readStream, requireOneLength, streamOf } from './stream';

/** What an encoder-decoder's steps need of its encoder. */
interface HeldEncoder {
  readonly output: EncoderOutput;
  /** int32 [B, S]. */
  readonly inputIds: tf.Tensor;
  /** int32 [B, S]. */
  readonly attentionMask: tf.Tensor;
}

/** What lives as long as a generation runs, held where a finalizer can find it. */
export interface Held {
  cache?: KeyValueCache | undefined;
  attentionMask?: tf.Tensor | undefined;
  encoder?: HeldEncoder | undefined;
  /** The tokens that stand in the cache, where somebody wants it back. */
  ids?: readonly number[];
  /** Takes the cache when the generation ends, with the tokens in it; it may be disposed in part. */
  giveBack?: ((cache: KeyValueCache | undefined, ids: readonly number[]) => void) | undefined;
}

/** A model at work on a batch of texts: what is written so far stands in its key-value cache. */
export interface Session {
  /** Runs the prompts; gives the logits of each one's last position, [B, V]. */
  prefill(): Promise<Float32Array>;
  /**
   * Runs one more token of each row; gives the logits after it, [R, V].
   *
   * @param ids the token of each row, [R]
   * @param positions how many tokens stand before it in its text, [R]
   * @param parents which row of the call before each row continues, [R]; the same rows when absent
   */
  step(ids: Int32Array, positions: Int32Array, parents?: Int32Array): Promise<Float32Array>;
}

/** What a session works on. */
export interface SessionInputs {
  readonly model: Model;
  /** Ids that the decoder begins with; rows may differ in length. */
  readonly prompts: readonly (readonly number[])[];
  /** Ids of the encoder, for an encoder-decoder. */
  readonly encoderPrompts?: readonly (readonly number[])[] | undefined;
  /** How many tokens a row can get. */
  readonly maxNewTokens: number;
  /** What was read already of the only prompt: the first `length` tokens stand in this cache, which the session takes. */
  readonly prefix?: { readonly cache?: KeyValueCache | undefined; readonly length: number } | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many virtual tokens stand before a decoder's text; an encoder adds its own. */
const virtualTokensOf = ({ architecture }: Model): number =>
  architecture.encode ? 0 : (architecture.virtualTokens ?? 0);

/** What the model reads of a text: its virtual tokens, where it has any, and the text. */
export const withVirtualIds = (model: Model, ids: readonly number[]): readonly number[] =>
  virtualTokensOf(model) > 0 ? [...virtualIds(model), ...ids] : ids;

/** Where a batch stands: B rows padded on the left to T slots of M. */
interface Layout {
  readonly slots: number;
  readonly capacity: number;
  /** Padding of each row. */
  readonly padding: readonly number[];
}

const canTrace = (): boolean => Symbol.for('tesserae.compile') in tf.backend();

/** Rounds up so that lengths near each other share one compiled program, at most an eighth more than asked. */
export function roundUp(length: number): number {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(length)) - 3));
  return Math.ceil(length / step) * step;
}

/** A length that several prompts can share a program by, within the model's limit. */
const bucket = (length: number, limit: number): number => (canTrace() ? Math.min(roundUp(length), limit) : length);

function layOut({ model, prompts, encoderPrompts, maxNewTokens }: SessionInputs): Layout {
  const longest = Math.max(...prompts.map((ids) => ids.length));
  const exact = encoderPrompts !== undefined || model.config.attention !== undefined; // a pattern counts slots
  const slots = exact ? longest : bucket(longest, positionLimitOf(model));
  const capacity = bucket(slots + maxNewTokens - 1, Infinity);
  return { slots, capacity, padding: prompts.map((ids) => slots - ids.length) };
}

function maskOf({ padding, capacity }: Layout): tf.Tensor | undefined {
  if (padding.every((count) => count === 0)) return undefined;
  const mask = new Int32Array(padding.length * capacity).fill(1);
  padding.forEach((count, row) => mask.fill(0, row * capacity, row * capacity + count));
  return tf.tensor2d(mask, [padding.length, capacity], 'int32'); // [B, M]
}

function emptyCache(model: Model, batch: number, capacity: number): KeyValueCache {
  const { layers, heads, headDim } = cacheShapeOf(model);
  return createKeyValueCache(layers, { batch, heads, capacity, headDim }); // [B, K, M, E] each
}

/** The cache with `length` filled slots, of at least `capacity`. What it was is disposed. */
function resized(cache: KeyValueCache, capacity: number, length: number): KeyValueCache {
  const more = capacity - cache.keys[0].shape[2]!;
  const grow = (tensor: tf.Tensor): tf.Tensor =>
    more <= 0 ? tf.clone(tensor) : tf.pad(tensor, [[0, 0], [0, 0], [0, more], [0, 0]]); // prettier-ignore
  const next = { keys: cache.keys.map(grow), values: cache.values.map(grow), length: tf.scalar(length, 'int32') };
  disposeKeyValueCache(cache);
  return next;
}

/** A piece of a prompt: its tokens from `start` on. */
interface Piece {
  readonly start: number;
  readonly count: number;
}

/**
 * The passes that read a prompt of `total` tokens of which `known` were read already, without padding: in lengths that
 * share programs, for which a few tokens are read again.
 */
export function piecesOf(known: number, total: number): Piece[] {
  const fresh = total - known;
  if (!canTrace() || total < 8) return [{ start: known, count: fresh }];
  const whole = roundUp(fresh);
  if (whole <= total) return [{ start: total - whole, count: whole }];
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(fresh)) - 3));
  const first = Math.floor(fresh / step) * step;
  const rest = roundUp(fresh - first);
  return [{ start: known, count: first }, { start: total - rest, count: rest }]; // prettier-ignore
}

/** So many tokens of all rows are read in one pass: the memory of a pass grows with them, that of a prompt does not. */
const passTokens = 2048;
const shortestPass = 256;

/** Whether a prompt may be read in parts: where neither what a token sees nor how it is turned depends on later ones. */
function readsInParts({ architecture, config }: Model): boolean {
  const { ropeScaling, localRopeScaling, useBidirectionalAttention } = config as {
    readonly [name in 'ropeScaling' | 'localRopeScaling']?: RopeScaling | null;
  } & { readonly useBidirectionalAttention?: boolean };
  const byLength = [ropeScaling, localRopeScaling].some((one) => one?.type === 'dynamic' || one?.type === 'longrope');
  return !architecture.encode && !config.attention && !byLength && useBidirectionalAttention !== true;
}

/** A piece in passes of a length that a batch of so many rows can be read in. */
export function passesOf(model: Model, { start, count }: Piece, batch: number): Piece[] {
  const most = Math.max(shortestPass, 2 ** Math.floor(Math.log2(passTokens / batch)));
  if (count <= most || !readsInParts(model)) return [{ start, count }];
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    start: start + i * most,
    count: Math.min(most, count - i * most),
  }));
}

/** Goes on from what was read already. */
async function continueFrom(
  { model, prompts: [ids], maxNewTokens, prefix }: SessionInputs,
  held: Held,
  run: (host: HostInputs) => Promise<Float32Array>,
): Promise<Float32Array> {
  const { cache, length } = prefix!;
  const pieces = piecesOf(Math.min(length, ids.length - 1), ids.length) // the last token is read for its logits
    .flatMap((piece) => passesOf(model, piece, 1));
  const capacity = bucket(ids.length + maxNewTokens - 1, Infinity);
  held.cache = cache ?? emptyCache(model, 1, capacity);
  let logits = new Float32Array(); // [V]
  for (const { start, count } of pieces) {
    held.cache = resized(held.cache, capacity, start);
    held.ids = ids.slice(0, start);
    const positions = Int32Array.from({ length: count }, (_, t) => start + t);
    logits = (await run({
      ids: Int32Array.from(ids.slice(start, start + count)),
      positions,
      batch: 1,
    })) as typeof logits;
  }
  held.ids = ids;
  return logits;
}

/** The passes that read prompts: ids and positions of each row's slots in them. */
function promptInputs(model: Model, prompts: readonly (readonly number[])[], { slots, padding }: Layout): HostInputs[] {
  const batch = prompts.length;
  return passesOf(model, { start: 0, count: slots }, batch).map(({ start, count }) => {
    const ids = new Int32Array(batch * count);
    const positions = new Int32Array(ids.length); // from the first token that is no padding
    prompts.forEach((prompt, row) => {
      for (let t = Math.max(padding[row] - start, 0); t < count; t++) {
        const position = start + t - padding[row];
        positions[row * count + t] = position;
        ids[row * count + t] = prompt[position];
      }
    });
    return { ids, positions, batch };
  });
}

/** Runs the encoder once: rows padded on the right. */
async function runEncoder({ model, encoderPrompts, signal }: SessionInputs): Promise<HeldEncoder> {
  const rows = encoderPrompts!;
  const length = bucket(Math.max(...rows.map((ids) => ids.length)), positionLimitOf(model));
  const fill = (value: number): Int32Array => new Int32Array(rows.length * length).fill(value);
  const ids = fill(model.config.padTokenId ?? 0);
  const mask = fill(0);
  rows.forEach((row, i) => {
    ids.set(row, i * length);
    mask.fill(1, i * length, i * length + row.length);
  });
  const inputIds = tf.tensor2d(ids, [rows.length, length], 'int32'); // [B, S]
  const attentionMask = tf.tensor2d(mask, [rows.length, length], 'int32'); // [B, S]
  try {
    const { encode } = programsFor(model);
    const output = await encode!.runAsyncWith({ signal }, model.params, { inputIds, attentionMask });
    return { output, inputIds, attentionMask };
  } catch (error) {
    tf.dispose([inputIds, attentionMask]);
    throw error;
  }
}

const encoderTensors = ({ output, inputIds, attentionMask }: HeldEncoder): tf.Tensor[] => [
  ...[inputIds, attentionMask, output.hiddenStates],
  ...output.keys,
  ...output.values,
];

/** Gives each row the mask and the encoder's output of the row that it continues. */
function followParents(held: Held, parents: Int32Array): void {
  const { attentionMask: mask, encoder } = held;
  const batch = (mask ?? encoder?.inputIds)?.shape[0];
  if (batch === undefined || batch === parents.length) return; // rows trade places only with rows of the same prompt
  const rows = tf.tensor1d(parents, 'int32');
  const gather = (tensor: tf.Tensor): tf.Tensor => tf.gather(tensor, rows);
  if (mask) {
    held.attentionMask = gather(mask);
    mask.dispose();
  }
  if (encoder) {
    const { hiddenStates, keys, values } = encoder.output;
    held.encoder = {
      output: { hiddenStates: gather(hiddenStates), keys: keys.map(gather), values: values.map(gather) },
      inputIds: gather(encoder.inputIds),
      attentionMask: gather(encoder.attentionMask),
    };
    tf.dispose(encoderTensors(encoder));
  }
  rows.dispose();
}

/** Frees what a session holds. */
export function release(held: Held): void {
  if (held.giveBack) held.giveBack(held.cache, held.ids ?? []);
  else if (held.cache) disposeKeyValueCache(held.cache);
  const rest = [
    ...(held.attentionMask ? [held.attentionMask] : []),
    ...(held.encoder ? encoderTensors(held.encoder) : []),
  ];
  for (const tensor of rest) if (!tensor.isDisposed) tensor.dispose();
  held.cache = held.attentionMask = held.encoder = held.giveBack = undefined;
  held.ids = [];
}

/** Values of one pass on the host. */
interface HostInputs {
  readonly ids: Int32Array; // [B, T]
  readonly positions: Int32Array; // [B, T]
  readonly parents?: Int32Array | undefined; // [B]
  readonly batch: number;
}

/** The inputs of a pass: of an encoder-decoder the ids are the decoder's, which numbers its positions itself. */
function stepInputs(
  held: Held,
  { ids, positions, parents, batch }: HostInputs,
): { inputs: StepInputs; own: tf.Tensor[] } {
  const shape: [number, number] = [batch, ids.length / batch];
  const tokens = tf.tensor2d(ids, shape, 'int32'); // [B, T]
  const rows = parents && tf.tensor1d(parents, 'int32');
  const more = rows && { parents: rows };
  const { encoder, attentionMask } = held;
  if (encoder) {
    const { output, inputIds, attentionMask: mask } = encoder;
    const inputs = { inputIds, attentionMask: mask, decoderInputIds: tokens, encoder: output, ...more };
    return { inputs, own: [tokens, ...(rows ? [rows] : [])] };
  }
  const positionIds = tf.tensor2d(positions, shape, 'int32'); // [B, T]
  const inputs = { inputIds: tokens, positionIds, ...(attentionMask && { attentionMask }), ...more };
  return { inputs, own: [tokens, positionIds, ...(rows ? [rows] : [])] };
}

/**
 * Opens a session on prompts.
 *
 * @param session the model and what it works on
 * @param held where everything goes that it makes; the caller releases it
 */
export function openSession(given: SessionInputs, held: Held): Session {
  const { model, signal } = given;
  const virtual = virtualTokensOf(model);
  const prompts = virtual > 0 ? given.prompts.map((ids) => withVirtualIds(model, ids)) : given.prompts;
  const session = { ...given, prompts };
  const programs = programsFor(model);
  const run = async (kind: 'prefill' | 'decode', host: HostInputs): Promise<Float32Array> => {
    const { inputs, own } = stepInputs(held, host);
    let logits: tf.Tensor | undefined;
    try {
      const output = await programs[kind].runAsyncWith({ signal }, model.params, inputs, held.cache!);
      logits = output.logits;
      held.cache = output.cache;
      return (await logits.data()) as Float32Array; // [B, V]
    } finally {
      tf.dispose(own);
      logits?.dispose();
    }
  };
  return {
    async prefill() {
      if (session.prefix) return continueFrom(session, held, (host) => run('prefill', host));
      if (model.config.attention) requireOneLength(prompts);
      const stream = streamOf(model);
      if (stream) {
        held.cache = emptyCache(model, prompts.length, stream.sinks + stream.window);
        return readStream(prompts, stream, (host) => run('prefill', host));
      }
      if (session.encoderPrompts) held.encoder = await runEncoder(session);
      const layout = layOut(session);
      held.attentionMask = maskOf(layout);
      held.cache = emptyCache(model, prompts.length, layout.capacity);
      let logits = new Float32Array(); // [B, V]
      for (const pass of promptInputs(model, prompts, layout)) logits = (await run('prefill', pass)) as typeof logits;
      return logits;
    },
    async step(ids, positions, parents) {
      if (parents) followParents(held, parents);
      const places = virtual > 0 ? positions.map((position) => position + virtual) : positions;
      const logits = await run('decode', { ids, positions: places, parents, batch: ids.length });
      if (session.prefix && !parents) held.ids = [...held.ids!, ids[0]];
      return logits;
    },
  };
}
