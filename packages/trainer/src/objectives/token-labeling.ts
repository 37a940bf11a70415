import { definePlugin } from '@tesserae/registry';
import type { Plugin } from '@tesserae/registry';
import type { Encoding } from '@tesserae/tokenizer';
import type { LabelledSpan } from '../augmentation/augmenter';
import { checkOptions, required, rules } from '../options';
import type { Objective } from './objective';
import { badLearner, badRows, checkRows, learnersTokenizer, requireLearnersHead } from './objective-errors';
import { longestRow } from './padded-rows';
import { prepareRows } from './prepare-rows';
import { labelLoss } from './token-loss';
import { labelTokens } from './word-labels';
import type { LabelledWord } from './word-labels';

/** A sentence whose words have tags, or a text with labelled spans. */
export type LabelledTokens =
  | { readonly words: readonly string[]; readonly tags: readonly (string | number)[] }
  | { readonly text: string; readonly spans: readonly LabelledSpan[] };

/** Options of {@link tokenLabeling}. */
export interface TokenLabelingOptions {
  /** The tags, in the order of the model's outputs: `O`, `B-PER`, `I-PER`, … */
  readonly labels: readonly string[];
  /** Label every token of a word, and not its first alone: false. */
  readonly labelContinuations?: boolean;
}

/**
 * Learning to tag the words of texts: entities, parts of speech. The loss is the cross-entropy of the tags.
 *
 * The data is a list of `{ words, tags }`, one tag a word, or of `{ text, spans }` with spans `[start, end, label]`, whose first
 * word is tagged `B-label` and the others `I-label`, or all of them `label` where the tags have no such prefixes; what is in no
 * span is `O`. A word's tag stands on its first token; the others, and special tokens, do not count.
 *
 * @param options the tags, and which tokens of a word count
 * @returns the objective, for `train(model, { data: rows, objective, … })` with a model of head `token-classification`
 * @throws E_OPTION and E_UNKNOWN_OPTION for options that cannot be
 *
 * Devlin et al.: "BERT" (2019), section 5.3; tokens are tagged as in `run_ner` of transformers.
 *
 * @example
 * ```ts
 * import { tokenLabeling } from '@tesserae/trainer';
 * console.log(tokenLabeling({ labels: ['O', 'B-PER', 'I-PER'] }).hyperparameters.labels); // → O,B-PER,I-PER
 * ```
 */
export const tokenLabeling: Plugin<'objective', 'token-classification', (options: TokenLabelingOptions) => Objective> =
  /* @__PURE__ */ definePlugin({
    kind: 'objective',
    name: 'token-classification',
    package: '@tesserae/trainer',
    apiVersion: 1,
    description: 'Learning to tag the words of texts',
    create: createTokenLabeling,
  });

declare module '@tesserae/registry' {
  interface PluginCatalog {
    'objective:token-classification': typeof tokenLabeling;
  }
}

const name = 'token-classification';

function createTokenLabeling(options: TokenLabelingOptions): Objective {
  checkOptions<TokenLabelingOptions>(name, options, {
    labels: required({
      expected: 'a list of different names',
      test: (list) =>
        Array.isArray(list) &&
        list.length > 0 &&
        list.every((one) => rules.string.test(one)) &&
        new Set(list).size === list.length,
    }),
    labelContinuations: rules.boolean,
  });
  const { labels, labelContinuations = false } = options;
  return {
    name,
    hyperparameters: { labels: labels.join(','), labelContinuations },
    packs: true,
    prepare(model, data, settings) {
      requireLearnersHead(name, model, 'token-classification');
      const classes = model.config.numLabels ?? 2;
      if (labels.length !== classes)
        throw badLearner(
          name,
          `there are ${labels.length} labels, and the model has ${classes} classes`,
          `make the model with numLabels: ${labels.length}`,
        );
      checkRows(name, data, 'tagged sentences');
      const tokenizer = learnersTokenizer(name, model);
      const longest = longestRow(model, settings);
      const cut = Number.isFinite(longest) ? { truncation: true, maxLength: longest } : {};
      const rows = data.map((row, i) => {
        const encode = (text: string): Encoding => tokenizer.encodeWithOffsets(text, cut);
        const { encoding, words } = readRow(row, i, labels, encode);
        if (encoding.sequenceIds.every((id) => id === null))
          throw badRows(name, `the text of row ${i} holds no token`, 'leave empty texts out');
        return { ids: Array.from(encoding.ids), labels: labelTokens(encoding, words, labels, labelContinuations) };
      });
      return prepareRows(model, settings, {
        objective: name,
        rows,
        ids: ({ ids, labels: tags }) => [ids, tags],
        fillers: { inputIds: model.config.padTokenId ?? 0, labels: -100 },
        masks: { inputIds: 'attentionMask' },
        make: ({ ids, labels: tags }) => ({ inputIds: ids, labels: tags }),
      });
    },
    loss: ({ logits }, { labels: tags }) => labelLoss(logits, tags),
  };
}

/** The tokens of a row, and its words with their tags. */
function readRow(
  row: unknown,
  index: number,
  labels: readonly string[],
  encode: (text: string) => Encoding,
): { encoding: Encoding; words: readonly LabelledWord[] } {
  const { words, tags, text, spans } = (row ?? {}) as Record<string, unknown>;
  if (Array.isArray(words) && Array.isArray(tags)) return readWords(words, tags, index, labels, encode);
  if (typeof text === 'string' && Array.isArray(spans)) return readSpans(text, spans, index, labels, encode);
  throw badRows(name, `row ${index} has neither words with tags nor a text with spans`, 'give { words, tags }');
}

function readWords(
  words: readonly unknown[],
  tags: readonly unknown[],
  index: number,
  labels: readonly string[],
  encode: (text: string) => Encoding,
): { encoding: Encoding; words: readonly LabelledWord[] } {
  if (words.length !== tags.length || words.length === 0)
    throw badRows(name, `row ${index} has ${words.length} words and ${tags.length} tags`, 'give one tag a word');
  let at = 0;
  const found = words.map((word, i): LabelledWord => {
    if (typeof word !== 'string' || word === '')
      throw badRows(name, `word ${i} of row ${index} is no text`, 'give words that are not empty');
    const label = typeof tags[i] === 'string' ? labels.indexOf(tags[i]) : (tags[i] as number);
    if (!Number.isInteger(label) || label < 0 || label >= labels.length)
      throw badRows(
        name,
        `word ${i} of row ${index} has the tag ${JSON.stringify(tags[i])}; known are ${labels.join(', ')}`,
        'list every tag in labels',
      );
    const start = at;
    at += word.length + 1; // a space between words
    return { start, end: start + word.length, label };
  });
  return { encoding: encode(words.join(' ')), words: found };
}

function readSpans(
  text: string,
  spans: readonly unknown[],
  index: number,
  labels: readonly string[],
  encode: (text: string) => Encoding,
): { encoding: Encoding; words: readonly LabelledWord[] } {
  const sorted = (spans as LabelledSpan[]).map((span) => checkSpan(text, span, index)).sort((a, b) => a[0] - b[0]);
  const crossing = sorted.findIndex(([start], i) => i > 0 && start < sorted[i - 1][1]);
  if (crossing > 0)
    throw badRows(name, `two spans of row ${index} overlap at ${sorted[crossing][0]}`, 'give each token one label');
  const outside = labelNamed('O', index, labels);
  const encoding = encode(text);
  const seen = new Set<LabelledSpan>();
  const words = wordsOf(encoding).map(([start, end]): LabelledWord => {
    const span = sorted.find((one) => one[0] < end && one[1] > start);
    if (!span) return { start, end, label: outside };
    const label = spanLabel(span[2], !seen.has(span), index, labels);
    seen.add(span);
    return { start, end, label };
  });
  const reached = Math.max(0, ...words.map(({ end }) => end));
  const unseen = sorted.find((span) => !seen.has(span) && span[0] < reached); // not merely cut off
  if (unseen) throw badRows(name, `the span ${unseen[0]}–${unseen[1]} of row ${index} holds no word`, 'correct it');
  return { encoding, words };
}

/** Start and end of each word, as the tokenizer cuts. */
function wordsOf({ offsets, wordIds, sequenceIds }: Encoding): [number, number][] {
  const words = new Map<number, [number, number]>();
  offsets.forEach(([start, end], i) => {
    if (sequenceIds[i] === null || start === end) return;
    const known = words.get(wordIds[i]!);
    words.set(wordIds[i]!, known ? [Math.min(known[0], start), Math.max(known[1], end)] : [start, end]);
  });
  return [...words.values()];
}

function checkSpan(text: string, span: LabelledSpan, index: number): LabelledSpan {
  const [start, end, label] = (Array.isArray(span) ? span : []) as unknown as LabelledSpan;
  const inside = Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= text.length;
  if (inside && typeof label === 'string') return span;
  throw badRows(
    name,
    `row ${index} has the span ${JSON.stringify(span)} in a text of ${text.length} characters`,
    'give [start, end, label] with 0 ≤ start < end ≤ length',
  );
}

const spanLabel = (label: string, first: boolean, index: number, labels: readonly string[]): number =>
  labels.includes(`B-${label}`)
    ? labelNamed(first ? `B-${label}` : `I-${label}`, index, labels)
    : labelNamed(label, index, labels);

function labelNamed(label: string, index: number, labels: readonly string[]): number {
  const found = labels.indexOf(label);
  if (found >= 0) return found;
  throw badRows(name, `row ${index} needs the tag '${label}'; known are ${labels.join(', ')}`, 'list it in labels');
}
