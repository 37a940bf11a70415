import type { Model } from '@tesserae/core';
import { classification, evaluate } from '../evaluation/index';
import { distinctN, editDistance, selfBleu } from '../evaluation/metrics/index';
import { splitWords } from '../evaluation/metrics/references';
import { createTextSimilarity } from '../evaluation/metrics/text-similarity';
import type { TextSimilarity } from '../evaluation/metrics/text-similarity';
import { checkOptions, rules } from '../options';
import { augmentStream } from './augment';
import { badExample, checkExample } from './augmentation-errors';
import type { Augmenter, TextExample } from './augmenter';

/** Names the class of each text: a model of your own, a rule, a person. */
export type TextClassifier = (texts: readonly string[]) => readonly unknown[] | Promise<readonly unknown[]>;

/** Options of {@link reportAugmentation}. */
export interface AugmentationReportOptions {
  /** New examples of each example and augmenter: 2. */
  readonly copies?: number;
  /** Decides everything: 0. */
  readonly seed?: number;
  /** Sorts texts into classes; without one nothing is said about labels. See {@link classifierOf}. */
  readonly classify?: TextClassifier;
}

/** Whether labels still hold, by a classifier; all as shares from 0 to 1. */
export interface LabelPreservation {
  /** Copies that the classifier puts into the class into which it puts their original. */
  readonly agreement: number;
  /** The same among copies of originals whose class it names rightly; absent where the examples have no labels. */
  readonly ofRight?: number;
  /** Originals whose class it names rightly: what the classifier is worth; absent where the examples have no labels. */
  readonly accuracy?: number;
}

/** What one augmenter does to texts. */
export interface AugmenterReport {
  readonly augmenter: string;
  readonly hyperparameters: Readonly<Record<string, number | string | boolean>>;
  /** Copies asked for, and made. */
  readonly asked: number;
  readonly made: number;
  /** Absent without a classifier, or where no copy was made. */
  readonly labels?: LabelPreservation;
  /** Mean edits of words between original and copy, as a share of the words of the longer one; NaN without copies. */
  readonly wordEdits: number;
  /** Mean edits of characters, as a share of the characters of the longer one; NaN without copies. */
  readonly characterEdits: number;
  /** Mean similarity of copy and original, see `createTextSimilarity`; NaN without copies. */
  readonly similarity: number;
  /** Mean self-BLEU of each original with its copies, 0 to 100: high where copies repeat each other; NaN without copies. */
  readonly selfBleu: number;
  /** Share of different words and pairs of words in originals and copies together. */
  readonly distinct1: number;
  readonly distinct2: number;
  /** The first changes, to look at. */
  readonly samples: readonly { readonly original: string; readonly copy: string }[];
}

/** What augmenters do to texts, and how varied the texts were before. */
export interface AugmentationReport {
  readonly examples: number;
  readonly distinct1: number;
  readonly distinct2: number;
  readonly augmenters: readonly AugmenterReport[];
}

/**
 * Measures what augmenters do to examples, each augmenter alone: whether labels still hold, and how much changes.
 *
 * Labels are held to a classifier (`agreement`); its errors are on both sides, so judge an augmenter by comparison. Variety
 * is measured within the copies of a text (self-BLEU), over all of them (distinct-n), and against the original (edits,
 * similarity). Nothing is changed or kept.
 *
 * @param examples `{ text, label? }`: what would be augmented, or a sample of it
 * @param augmenters what to measure
 * @param options copies of each example, seed, and what sorts texts into classes
 * @returns a report a augmenter, in their order; every figure follows from examples, augmenters and seed
 * @throws E_AUGMENTERS, E_EXAMPLE (also for a classifier that does not give one class a text), E_OPTION and
 *   E_UNKNOWN_OPTION
 *
 * Distinct-n: Li et al. (2016); self-BLEU: Zhu et al. (2018). See the functions of these names.
 *
 * @example
 * ```ts
 * import { characterSwap, reportAugmentation } from '@tesserae/trainer';
 * const rows = [{ text: 'what a lovely day', label: 'glad' }, { text: 'what a dull day', label: 'sad' }];
 * const classify = (texts: readonly string[]) => texts.map((text) => (text.includes('lovely') ? 'glad' : 'sad'));
 * const { augmenters } = await reportAugmentation(rows, [characterSwap()], { copies: 2, classify });
 * console.log(augmenters[0].made, augmenters[0].labels?.accuracy); // → 4 1
 * ```
 */
export async function reportAugmentation(
  examples: readonly TextExample[],
  augmenters: readonly Augmenter[],
  options: AugmentationReportOptions = {},
): Promise<AugmentationReport> {
  checkOptions<AugmentationReportOptions>('reportAugmentation', options, {
    copies: rules.positiveInteger,
    seed: rules.nonNegativeInteger,
    classify: rules.function,
  });
  if (!Array.isArray(examples) || examples.length === 0)
    throw badExample('reportAugmentation', 'there are no examples', 'give a list of at least one');
  for (const example of examples as readonly unknown[]) checkExample('reportAugmentation', example);
  const texts = examples.map(({ text }) => text);
  const original: Original = {
    examples,
    texts,
    similarity: createTextSimilarity(texts),
    classes: options.classify && (await classesOf(options.classify, texts)),
  };
  const reports: AugmenterReport[] = [];
  augmentStream(examples, augmenters); // refuses what is no list of augmenters
  for (const augmenter of augmenters) reports.push(await reportOf(original, augmenter, options));
  return {
    examples: examples.length,
    distinct1: distinctN(texts, 1),
    distinct2: distinctN(texts, 2),
    augmenters: reports,
  };
}

interface Original {
  readonly examples: readonly TextExample[];
  readonly texts: readonly string[];
  readonly similarity: TextSimilarity;
  readonly classes: readonly unknown[] | undefined;
}

/** A copy and the place of its original. */
interface Copy {
  readonly at: number;
  readonly text: string;
}

async function reportOf(
  original: Original,
  augmenter: Augmenter,
  { copies = 2, seed = 0, classify }: AugmentationReportOptions,
): Promise<AugmenterReport> {
  const { examples, texts, similarity, classes } = original;
  const found: Copy[] = [];
  let next = 0; // originals come back as they are, each before its copies
  for await (const row of augmentStream(examples, [augmenter], { copies, seed }))
    if (row === examples[next]) next++;
    else found.push({ at: next - 1, text: row.text });
  const share = (of: (text: string) => readonly string[]) => (copy: Copy) => {
    const [before, after] = [of(texts[copy.at]), of(copy.text)];
    return editDistance(before, after) / Math.max(1, before.length, after.length);
  };
  const all = [...texts, ...found.map(({ text }) => text)];
  return {
    augmenter: augmenter.name,
    hyperparameters: augmenter.hyperparameters,
    asked: copies * examples.length,
    made: found.length,
    ...(classify && classes && found.length > 0 && { labels: await labelsOf(examples, classes, found, classify) }),
    wordEdits: mean(found.map(share(splitWords))),
    characterEdits: mean(found.map(share((text) => Array.from(text)))),
    similarity: mean(found.map(({ at, text }) => similarity(texts[at], text))),
    selfBleu: mean(groupsOf(texts, found).map(selfBleu)),
    distinct1: distinctN(all, 1),
    distinct2: distinctN(all, 2),
    samples: found.slice(0, 3).map(({ at, text }) => ({ original: texts[at], copy: text })),
  };
}

async function labelsOf(
  examples: readonly TextExample[],
  classes: readonly unknown[],
  copies: readonly Copy[],
  classify: TextClassifier,
): Promise<LabelPreservation> {
  const named = await classesOf(
    classify,
    copies.map(({ text }) => text),
  );
  const agrees = copies.map(({ at }, i) => named[i] === classes[at]);
  const agreement = shareOf(agrees);
  if (examples.some(({ label }) => label === undefined)) return { agreement };
  const right = examples.map(({ label }, at) => classes[at] === label);
  return {
    agreement,
    ofRight: shareOf(agrees.filter((_, i) => right[copies[i].at])),
    accuracy: shareOf(right),
  };
}

async function classesOf(classify: TextClassifier, texts: readonly string[]): Promise<readonly unknown[]> {
  const found = await classify(texts);
  if (Array.isArray(found) && found.length === texts.length) return found as readonly unknown[];
  const got = Array.isArray(found) ? `${found.length} classes` : typeof found;
  throw badExample('reportAugmentation', `classify gave ${got} for ${texts.length} texts`, 'give one class a text');
}

/** Each original that has copies, with them. */
function groupsOf(texts: readonly string[], copies: readonly Copy[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const { at, text } of copies) groups.set(at, [...(groups.get(at) ?? [texts[at]]), text]);
  return [...groups.values()];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const shareOf = (hits: readonly boolean[]): number => mean(hits.map(Number));

/**
 * A model with a sequence classification head as a function from texts to classes, for {@link reportAugmentation}.
 *
 * @param model the model, with its tokenizer
 * @param labels the names of the classes, in the order of the model's outputs; their numbers when absent
 * @returns texts to the class with the highest probability of each
 * @throws E_EVALUATION_MODEL, E_EVALUATION_DATA and E_TOKENIZER when it is called, as `evaluate` does
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { bert, createModel, disposeModel } from '@tesserae/core';
 * import { trainWordPiece } from '@tesserae/tokenizer';
 * import { classifierOf } from '@tesserae/trainer';
 * const tokenizer = trainWordPiece('a good day and a bad day', { vocabSize: 40 });
 * const size = { vocabSize: 40, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 1, maxPositionEmbeddings: 8 };
 * const model = createModel(bert, { ...size, head: 'sequence-classification', numLabels: 2 }, { seed: 1, tokenizer });
 * console.log((await classifierOf(model)(['a good day', 'a bad day'])).length); // → 2
 * disposeModel(model);
 * ```
 */
export function classifierOf<C>(model: Model<C>, labels?: readonly string[]): TextClassifier {
  return async (texts) => {
    const data = texts.map((text) => ({ text, label: 0 }));
    const { samples } = await evaluate(model, classification({ data }), {
      samples: true,
      resamples: 0,
      batchSize: 64,
      progress: false,
    });
    return samples!.map(({ prediction }) => labels?.[prediction] ?? prediction);
  };
}
