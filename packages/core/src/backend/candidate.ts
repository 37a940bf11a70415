/** The backends that `selectBackend` knows, best first. */
export const backendNames = ['tfjs-node-gpu', 'onnx', 'tfjs-node', 'wasm', 'cpu'] as const;

/** One of the backends that `selectBackend` knows. */
export type BackendName = (typeof backendNames)[number];

/** What the caller of `selectBackend` wants from whichever backend is taken. */
export interface BackendRequest {
  /** How many threads the backend may use; each backend has its own default. */
  threads?: number;
  /** Where ONNX Runtime computes, when `onnx` is taken. */
  provider?: 'cpu' | 'webgpu' | 'cuda';
}

/** What a candidate reports once it is the active backend of TensorFlow.js. */
export interface BackendTaken {
  /** What now computes, in words: `ONNX Runtime 1.30.0 on the CPU`. */
  description: string;
  /** How many threads it uses, where that is known. */
  threads?: number;
}

/**
 * One way to compute: `use` makes it the active backend of TensorFlow.js, or throws and says why it cannot. Plugins of
 * the kind `backend` make candidates; any of them can be given to `selectBackend`.
 */
export interface BackendCandidate {
  readonly name: string;
  use(request: BackendRequest): Promise<BackendTaken>;
}
