import type { Model } from '@tesserae/core';

/** What a task is given beside the model. */
export interface EvaluationContext {
  /** Rows that go through the model at a time. */
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Says how much work there is. */
  begin(total: number, unit: string): void;
  /** Says that so much more is done, and gives others their turn. @throws E_ABORTED when the signal came */
  advance(count: number): Promise<void>;
}

/** A score of any number of samples; defined for every non-empty list of them. */
export type SampleScore<S> = { score(samples: readonly S[]): number }['score']; // a method's type: tasks of any sample fit one kind

/** What a task found: one value a sample, and the scores that are made from any number of them. */
export interface TaskOutcome<S = unknown> {
  readonly samples: readonly S[];
  /** Scores by name. */
  readonly metrics: Readonly<Record<string, SampleScore<S>>>;
  /** How much of what was looked at, by name: tokens, bytes. */
  readonly counts?: Readonly<Record<string, number>>;
  /** More that is worth seeing, such as a confusion matrix. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Something that a model is tried on. */
export interface EvaluationTask<S = unknown> {
  readonly name: string;
  /** Runs the model over the data. It neither keeps nor changes the model, and leaves no tensors behind. */
  run(model: Model, context: EvaluationContext): Promise<TaskOutcome<S>>;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Tries a model on data and scores it. */
    evaluation: EvaluationTask;
  }
}
