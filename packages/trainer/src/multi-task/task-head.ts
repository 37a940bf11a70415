import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { linear } from '@tesserae/core';
import type { ArchitectureConfig, ForwardOutput, ModelHead, Params, ProblemType } from '@tesserae/core';
import { describeValue, tesseraeError } from '@tesserae/registry';

/** What one of several heads does. */
export interface TaskHead {
  /**
   * A class of a text, numbers for a text, a class for each token; or a token for each token, by the table of embeddings:
   * the hidden ones (`masked-lm`) or the next ones (`causal-lm`).
   */
  readonly kind: 'classification' | 'regression' | 'token-classification' | 'masked-lm' | 'causal-lm';
  /** Classes, or numbers: 2, or 1 for a regression; for tokens the vocabulary. */
  readonly numLabels?: number;
}

/** Heads by the names of their tasks. */
export type TaskHeads = Readonly<Record<string, TaskHead>>;

/** The config of a trunk with several heads. */
export interface MultiTaskConfig extends ArchitectureConfig {
  readonly heads: TaskHeads;
}

const kinds = ['classification', 'regression', 'token-classification', 'masked-lm', 'causal-lm'];

/** Whether a head names tokens of the vocabulary. */
export const namesTokens = ({ kind }: TaskHead): boolean => kind === 'masked-lm' || kind === 'causal-lm';

/** Something is wrong about the heads. */
export const badHeads = (message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin: 'multi-task', code: 'E_OPTION', message, fix });

/** Outputs of a head that names no tokens. */
export const outputsOf = ({ kind, numLabels }: TaskHead): number => numLabels ?? (kind === 'regression' ? 1 : 2);

/** @throws E_OPTION unless there are heads, with names that can stand in a path, of kinds that are known */
export function checkHeads(heads: unknown): asserts heads is TaskHeads {
  const entries = typeof heads === 'object' && heads !== null ? Object.entries(heads as TaskHeads) : [];
  if (entries.length === 0)
    throw badHeads(`heads are ${describeValue(heads)}`, "give { NAME: { kind: 'classification', numLabels } }");
  for (const [name, head] of entries) {
    if (!/^[A-Za-z][\w-]*$/.test(name))
      throw badHeads(`there is a head named ${describeValue(name)}`, 'use letters, digits, - and _');
    if (!kinds.includes((head as Partial<TaskHead> | null)?.kind as string))
      throw badHeads(`the head ${name} is of kind ${describeValue(head?.kind)}`, `use ${kinds.join(', ')}`);
    if (namesTokens(head) && head.numLabels !== undefined)
      throw badHeads(
        `the head ${name} names tokens and has ${describeValue(head.numLabels)} labels`,
        'leave numLabels out',
      );
    if (!Number.isSafeInteger(outputsOf(head)) || outputsOf(head) < 1)
      throw badHeads(`the head ${name} has ${describeValue(head.numLabels)} labels`, 'use a whole number from 1 up');
  }
}

/** @throws E_OPTION when there is no head of the name */
export function headNamed(heads: TaskHeads, name: string): TaskHead {
  if (Object.hasOwn(heads, name)) return heads[name];
  throw badHeads(`there is no head '${name}'; there are ${Object.keys(heads).join(', ')}`, 'use one of these');
}

/** Whether a head says something of every token. */
const readsTokens = (head: TaskHead): boolean => head.kind === 'token-classification' || namesTokens(head);

/** What a task's model looks like from outside. */
export const viewOf = (
  head: TaskHead,
): { readonly head: ModelHead; readonly numLabels: number; readonly problemType: ProblemType | null } => ({
  head: readsTokens(head) ? (head.kind as ModelHead) : 'sequence-classification',
  numLabels: outputsOf(head),
  problemType: head.kind === 'regression' ? 'regression' : head.kind === 'classification' ? 'single-label' : null,
});

interface HeadParams {
  readonly tokenEmbedding?: { readonly weight: Tensor };
  /** A head that names tokens has no weight of its own. */
  readonly heads: Readonly<Record<string, { readonly weight?: Tensor; readonly bias: Tensor }>>;
}

/**
 * What a head makes of the trunk's output: [B, numLabels], or [B, T, numLabels] for tokens ([B, T, V] where it names them). Of a text it reads the pooled first
 * token where the trunk has a pooler, otherwise the mean over its tokens.
 */
export function headLogits(
  params: Params,
  name: string,
  head: TaskHead,
  { logits: hidden, pooled }: ForwardOutput,
  mask: Tensor | undefined,
): Tensor {
  const { heads, tokenEmbedding } = params as unknown as HeadParams;
  const { weight = tokenEmbedding!.weight, bias } = heads[name];
  const input = readsTokens(head) ? hidden : (pooled ?? meanOf(hidden, mask));
  return linear(input, weight, { bias });
}

/** Mean over the real tokens: [B, T, D] → [B, D]. */
function meanOf(hidden: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return tf.mean(hidden, 1);
  const real = tf.expandDims(tf.cast(mask, 'float32'), 2); // [B, T, 1]
  return tf.div(tf.sum(tf.mul(hidden, real), 1), tf.maximum(tf.sum(real, 1), 1)); // [B, D]
}
