import type { Model } from '@tesserae/core';

/** Reads models from the files of one format. */
export interface Importer {
  /** What the format is called: `llama2.c`. */
  readonly format: string;
  /** Whether a file or folder is of this format; looks at its first bytes, and throws nothing. */
  recognizes(path: string): Promise<boolean>;
  /** Reads the model; its tensors are on the active backend. */
  load(path: string): Promise<Model>;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    /** Reads models from files of another format. */
    importer: Importer;
  }
}
