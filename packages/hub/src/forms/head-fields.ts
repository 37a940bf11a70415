import type { ArchitectureConfig, ModelHead, ProblemType } from '@tesserae/core';
import { fieldError, unsupported } from './fields';
import type { Fields } from './fields';

/** Which head each class of a family has; the first class of a head is the one that is written. */
export type HeadClasses = Readonly<Record<string, ModelHead>>;

/** What a config says of its head; nothing for the head that is usual. */
export type HeadFields = Pick<ArchitectureConfig, 'head' | 'numLabels' | 'problemType'>;

const problemTypes: Readonly<Record<string, ProblemType>> = {
  single_label_classification: 'single-label',
  multi_label_classification: 'multi-label',
  regression: 'regression',
};

/** The head that `architectures` names; undefined where it names none. Refuses classes that are not of the family. */
export function readHead(classes: unknown, known: HeadClasses, what: string): ModelHead | undefined {
  if (classes === undefined || classes === null) return undefined;
  const names: unknown[] = Array.isArray(classes) ? classes : [classes];
  const foreign = names.find((name) => typeof name !== 'string' || !Object.hasOwn(known, name));
  if (foreign !== undefined) {
    throw unsupported(what, 'architectures', classes, `read are the weights of ${Object.keys(known).join(', ')}`);
  }
  return names.length > 0 ? known[names[0] as string] : undefined;
}

/** Reads the head, `id2label` (or `num_labels`) and `problem_type`; a head that is the usual one is not spelled out. */
export function readHeadFields(fields: Fields, known: HeadClasses, what: string, usualLabels = 2): HeadFields {
  const usual = Object.values(known)[0];
  const head = readHead(fields.raw('architectures'), known, what) ?? usual;
  const named = head === usual ? {} : { head };
  if (head !== 'sequence-classification' && head !== 'token-classification') return named;
  const problem = fields.has('problem_type') ? fields.choice('problem_type', '', problemTypes) : undefined;
  return { ...named, numLabels: countLabels(fields, what, usualLabels), ...(problem && { problemType: problem }) };
}

function countLabels(fields: Fields, what: string, usual: number): number {
  const labels = fields.raw('id2label');
  if (labels === undefined) return fields.count('num_labels', usual);
  if (typeof labels !== 'object' || Array.isArray(labels)) {
    throw fieldError(what, 'id2label', labels, 'an object from numbers to names');
  }
  const count = Object.keys(labels as object).length;
  if (count === 0) throw fieldError(what, 'id2label', labels, 'at least one label');
  return count;
}

/** The opposite of {@link readHeadFields}, for classifiers. */
export function writeHeadFields({ head, numLabels, problemType }: HeadFields): Record<string, unknown> {
  if (head !== 'sequence-classification' && head !== 'token-classification') return {};
  const labels = Array.from({ length: numLabels ?? 2 }, (_, i) => `LABEL_${i}`);
  const problem = Object.entries(problemTypes).find(([, ours]) => ours === problemType)?.[0];
  return {
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    ...(problem !== undefined && { problem_type: problem }),
  };
}

/** The class that is written for a head. */
export function classOf(known: HeadClasses, head: ModelHead | undefined): string {
  const [usual] = Object.keys(known);
  return Object.keys(known).find((name) => known[name] === (head ?? known[usual])) ?? usual;
}
