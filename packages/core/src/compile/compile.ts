import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { withPrecision } from '../precision/precision';
import { flattenTree, isTensor } from './tree';
import type { FlatTree } from './tree';
import type { FlatCompiler, FlatProgram } from '@tesserae/backend-onnx';
import type { Compiled, CompiledArguments, CompileOptions, ProgramReport } from './types';

interface Program {
  readonly report: ProgramReport;
  /** Absent where the function runs eagerly. */
  readonly flat?: FlatProgram;
  /** Puts the results together again; known once the function has run. */
  rebuild?: (leaves: readonly tf.Tensor[]) => unknown;
}

/** A call taken apart: its tensors (numbers made into scalars), which of them are consumed, and the cache key. */
interface Call {
  readonly tree: FlatTree;
  readonly tensors: tf.Tensor[];
  readonly scalars: tf.Tensor[];
  readonly donated: boolean[];
  readonly key: string;
  /** Whether the donated tensors are used up: a run that began may have written over them, even one that failed. */
  spent: boolean;
}

const compilerSymbol = Symbol.for('tesserae.compile');

/**
 * Makes a function of tensors run as one program.
 *
 * The function is run once on symbolic tensors for each new structure, shapes and dtypes of its arguments; the backend
 * turns what it recorded into one program, which later calls run without going through JavaScript op by op. Where the
 * active backend cannot trace (`cpu`, `wasm`, `tensorflow`) the function simply runs, in `tf.tidy`.
 *
 * Arguments and results are trees: tensors, arrays, plain objects and weights. A number in an argument arrives in the
 * function as a float32 scalar tensor, so that a new value (a learning rate) needs no new program. Strings, booleans,
 * null, undefined and functions arrive as they are, and each new one is a new program. The results are ordinary tensors
 * that the caller owns, never an argument itself. What is donated is disposed as soon as the program begins to run, also
 * when the run fails or is cancelled; where it does not begin (bad arguments, an error in the function) it stays.
 *
 * @param fn a pure function of its arguments; it must not look at tensor values
 * @param options a name, the arguments that are consumed, how many programs to keep, the precision of products
 * @returns a callable with `runAsync`, `prepare`, `programs` and `dispose`
 * @throws E_COMPILE_ARGUMENT when an argument is neither tensor, number, array, plain object nor constant
 * @throws E_COMPILE_RESULT when the function returns something else than a tree of tensors
 * @throws E_DONATED when a consumed tensor is used again or given twice
 * @throws E_DISPOSED when an argument was disposed before
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { compile } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const step = compile((weight: tf.Tensor, rate: tf.Scalar) => tf.sub(weight, tf.mul(rate, weight)), { donate: [0] });
 * const next = step(tf.tensor1d([1, 2]), 0.5);
 * console.log(Array.from(next.dataSync())); // → [ 0.5, 1 ]
 * ```
 */
export function compile<A extends unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): Compiled<A, R> {
  if (typeof fn !== 'function') throw argumentError('compile', 'the first argument', `${describe(fn)} is no function`);
  const name = options.name ?? (fn.name || 'program');
  const donate = new Set(options.donate ?? []);
  const maxPrograms = options.maxPrograms ?? 32;
  const programs = new Map<string, Program>();
  const { precision } = options;
  const body = (...args: unknown[]): unknown =>
    precision === undefined ? fn(...(args as A)) : withPrecision(precision, () => fn(...(args as A)));

  const find = (call: Call): Program => {
    const known = programs.get(call.key);
    if (known) {
      programs.delete(call.key); // the most recently used stands last
      programs.set(call.key, known);
      return known;
    }
    const program = build(name, body, call);
    programs.set(call.key, program);
    for (const [oldest, { flat }] of programs) {
      if (programs.size <= maxPrograms) break;
      programs.delete(oldest);
      flat?.dispose();
    }
    return program;
  };

  const run = (...args: CompiledArguments<A>): R => {
    const call = open(name, args, donate);
    try {
      const program = find(call);
      if (!program.flat) return runEagerly(name, body, call) as R;
      call.spent = true;
      const results = program.flat.run(call.tensors); // first: a backend may run the function only now
      return program.rebuild!(results) as R;
    } finally {
      close(call);
    }
  };

  const runAsyncWith = async (how: { signal?: AbortSignal | undefined }, ...args: CompiledArguments<A>): Promise<R> => {
    const call = open(name, args, donate);
    try {
      how.signal?.throwIfAborted();
      const program = find(call);
      if (!program.flat) return runEagerly(name, body, call) as R;
      call.spent = true;
      const results = await program.flat.runAsync(call.tensors, how.signal ? { signal: how.signal } : {});
      return program.rebuild!(results) as R;
    } finally {
      close(call);
    }
  };

  return Object.defineProperties(run as Compiled<A, R>, {
    name: { value: name },
    runAsync: { value: (...args: CompiledArguments<A>) => runAsyncWith({}, ...args) },
    runAsyncWith: { value: runAsyncWith },
    prepare: {
      value: (...args: CompiledArguments<A>): ProgramReport => {
        const call = open(name, args, new Set());
        try {
          return find({ ...call, donated: marks(call.tree, donate), key: call.key }).report;
        } finally {
          close(call);
        }
      },
    },
    programs: { get: () => programs.size },
    dispose: {
      value: () => {
        for (const { flat } of programs.values()) flat?.dispose();
        programs.clear();
      },
    },
  });
}

/** Which leaves of the arguments belong to consumed arguments. */
function marks(tree: FlatTree, donate: ReadonlySet<number>): boolean[] {
  return tree.leaves.map(
    ({ path, value }) => isTensor(value) && donate.has(Number(/^arguments\[(\d+)\]/.exec(path)?.[1])),
  );
}

function open(name: string, args: readonly unknown[], donate: ReadonlySet<number>): Call {
  const tree = flattenTree(args, 'arguments', (path, _value, why) => {
    throw argumentError(name, path, why);
  });
  const donated = marks(tree, donate);
  checkTensors(name, tree, donated);
  const scalars: tf.Tensor[] = [];
  const tensors = tree.leaves.map(({ value }) => {
    if (typeof value !== 'number') return value;
    const scalar = tf.keep(tf.scalar(value, 'float32'));
    scalars.push(scalar);
    return scalar;
  });
  const types = tensors.map((tensor) => `${tensor.dtype}${JSON.stringify(tensor.shape)}`).join('');
  return { tree, tensors, scalars, donated, key: `${tf.getBackend()}|${tree.structure}|${types}`, spent: false };
}

/** Disposes what the call made, and what it consumed. */
function close(call: Call): void {
  for (const scalar of call.scalars) scalar.dispose();
  call.tensors.forEach((tensor, index) => {
    if (call.spent && call.donated[index] && !tensor.isDisposed) tensor.dispose();
  });
}

function checkTensors(name: string, tree: FlatTree, donated: readonly boolean[]): void {
  const seen = new Map<tf.Tensor, number>();
  tree.leaves.forEach(({ value, path }, index) => {
    if (typeof value === 'number') return;
    if (value.isDisposed) {
      throw donated[index]
        ? donatedError(
            name,
            `${path} was consumed or disposed before this call`,
            'use the tensors that the earlier call returned in its place',
          )
        : tesseraeError({
            package: 'core',
            code: 'E_DISPOSED',
            message: `${name}: ${path} ([${value.shape}] ${value.dtype}) is disposed`,
            fix: 'keep the tensor until the call, or clone it before it is disposed',
          });
    }
    const before = seen.get(value);
    if (before !== undefined && (donated[before] || donated[index])) {
      throw donatedError(
        name,
        `one tensor is both ${tree.leaves[before].path} and ${path}, and the call consumes it`,
        'pass tf.clone(tensor) in one of the places',
      );
    }
    seen.set(value, index);
  });
}

function build(name: string, fn: (...args: unknown[]) => unknown, call: Call): Program {
  const backend = tf.backend() as unknown as Record<symbol, FlatCompiler | undefined>;
  const trace = backend[compilerSymbol];
  if (!trace) {
    const report = {
      backend: tf.getBackend(),
      traced: false,
      nodes: 0,
      modelBytes: 0,
      traceMilliseconds: 0,
      sessionMilliseconds: 0,
    };
    return { report };
  }
  const program: { flat?: FlatProgram; rebuild?: Program['rebuild'] } = {};
  const flat = trace(
    (inputs) => {
      const { leaves, tree } = evaluate(name, fn, call.tree.rebuild(inputs) as unknown[]);
      program.rebuild = tree.rebuild; // a backend may run the function now, or when the program runs
      return leaves;
    },
    {
      name,
      inputs: call.tensors.map(({ shape, dtype }) => ({ shape: shape.slice(), dtype })),
      donated: call.donated.slice(),
    },
  );
  const { nodes, modelBytes, traceMilliseconds, sessionMilliseconds } = flat;
  return Object.assign(program, {
    flat,
    report: { backend: tf.getBackend(), traced: true, nodes, modelBytes, traceMilliseconds, sessionMilliseconds },
  });
}

function runEagerly(name: string, fn: (...args: unknown[]) => unknown, call: Call): unknown {
  let rebuild: FlatTree['rebuild'] | undefined;
  const leaves = tf.tidy(() => {
    const result = evaluate(name, fn, call.tree.rebuild(call.tensors) as unknown[]);
    rebuild = result.tree.rebuild;
    return result.leaves;
  });
  call.spent = true;
  return rebuild!(leaves);
}

/** Runs the function and gives its results as tensors of their own: no argument, no constant, none twice. */
function evaluate(
  name: string,
  fn: (...args: unknown[]) => unknown,
  args: unknown[],
): { leaves: tf.Tensor[]; tree: FlatTree } {
  const firstOwn = (tf.engine() as unknown as { nextTensorId(): number }).nextTensorId();
  const result = fn(...args);
  const refuse = (path: string, _value: unknown, why: string): never => {
    throw resultError(name, path, why);
  };
  if (typeof (result as { then?: unknown } | undefined)?.then === 'function')
    refuse('the result', result, 'the function is asynchronous');
  const tree = flattenTree(result, 'result', refuse);
  const seen = new Set<tf.Tensor>();
  const leaves = tree.leaves.map(({ value, path }) => {
    if (typeof value === 'number') return refuse(path, value, 'a number is no tensor');
    if (value.isDisposed) return refuse(path, value, 'the tensor is disposed');
    const own = value.id >= firstOwn && !seen.has(value);
    seen.add(value);
    return own ? value : tf.clone(value);
  });
  return { leaves, tree };
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function argumentError(name: string, path: string, why: string): Error {
  return tesseraeError({
    package: 'core',
    code: 'E_COMPILE_ARGUMENT',
    message: `${name}: ${path}: ${why}`,
    fix: 'pass tensors, numbers, strings, booleans, arrays, plain objects and weights; close over everything else',
  });
}

function resultError(name: string, path: string, why: string): Error {
  return tesseraeError({
    package: 'core',
    code: 'E_COMPILE_RESULT',
    message: `${name}: ${path}: ${why}`,
    fix: 'return tensors, in arrays or plain objects; make numbers with tf.scalar',
  });
}

function donatedError(name: string, message: string, fix: string): Error {
  return tesseraeError({ package: 'core', code: 'E_DONATED', message: `${name}: ${message}`, fix });
}
