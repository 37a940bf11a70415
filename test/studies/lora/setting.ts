/** How one task is learned by one method. */
export interface Fit {
  readonly epochs: number;
  readonly learningRate: number;
}

/** A task, and how each method learns it. */
export interface TaskSetting {
  readonly rows: number;
  /** Of both methods: what keeps few numbers from learning the rows by heart. */
  readonly labelSmoothing: number;
  readonly full: Fit;
  readonly lora: Fit;
}

/** The sizes of the study: small enough for minutes on two cores. */
export const setting = {
  vocabSize: 5400,
  width: 256,
  feedForward: 512,
  layers: 2,
  heads: 4,
  /** Tokens of a row at most, and what rows are padded to. */
  context: 32,
  widths: [8, 12, 16, 24, 32],
  pretraining: { steps: 2500, rows: 64, learningRate: 1.5e-3, maskProbability: 0.2 },
  contrast: { steps: 2500, rows: 64, learningRate: 1e-3, temperature: 0.1, dropped: 0.4, looks: 6 },
  lora: { rank: 8, alpha: 16, targets: ['query', 'value', 'output'] },
  tasks: {
    banking77: {
      rows: 64,
      labelSmoothing: 0.2,
      full: { epochs: 5, learningRate: 1e-3 },
      lora: { epochs: 20, learningRate: 2e-3 },
    },
    spam: {
      rows: 64,
      labelSmoothing: 0,
      full: { epochs: 3, learningRate: 7e-4 },
      lora: { epochs: 3, learningRate: 4e-3 },
    },
  } satisfies Record<string, TaskSetting>,
  /** A model large enough that optimizer state and gradients show: memory alone is measured on it, with random weights. */
  large: { width: 512, feedForward: 2048, layers: 8, heads: 8, vocabSize: 16000, rows: 8, context: 64, steps: 3 },
} as const;

export type TaskName = keyof typeof setting.tasks;
export type Method = 'full' | 'lora';
