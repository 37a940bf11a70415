import * as tf from '@tensorflow/tfjs-core';
import { tesseraeError } from '@tesserae/registry';
import { withPrecision } from '../precision/precision';
import { argumentError, closeCall, describeValue, openCall, recallCall } from './call';
import type { Call, Signature } from './call';
import { flattenTree } from './tree';
import type { TreeForm } from './tree';
import type { FlatCompiler, FlatProgram } from '@tesserae/backend-onnx';
import type { Compiled, CompiledArguments, CompileOptions, ProgramReport } from './types';

interface Program {
  readonly signature: Signature;
  readonly report: ProgramReport;
  /** Absent where the function runs eagerly. */
  readonly flat?: FlatProgram;
  /** Puts the results together again; known once the function has run. */
  rebuild?: TreeForm['rebuild'];
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
  if (typeof fn !== 'function')
    throw argumentError('compile', 'the first argument', `${describeValue(fn)} is no function`);
  const name = options.name ?? (fn.name || 'program');
  const donate = new Set(options.donate ?? []);
  const maxPrograms = options.maxPrograms ?? 32;
  const programs: Program[] = []; // the most recently used first
  const { precision } = options;
  const body = (...args: unknown[]): unknown =>
    precision === undefined ? fn(...(args as A)) : withPrecision(precision, () => fn(...(args as A)));

  const find = (call: Call): Program => {
    const at = programs.findIndex(({ signature }) => signature.key === call.signature.key);
    if (at === 0) return programs[0];
    const program = at > 0 ? programs.splice(at, 1)[0] : build(name, body, call.signature);
    programs.unshift(program);
    for (const { flat } of programs.splice(maxPrograms)) flat?.dispose();
    return program;
  };
  const open = (args: readonly unknown[]): Call => recallCall(name, args, programs) ?? openCall(name, args, donate);

  const run = (...args: CompiledArguments<A>): R => {
    const call = open(args);
    try {
      const program = find(call);
      if (!program.flat) return runEagerly(name, body, call) as R;
      call.spent = true;
      const results = program.flat.run(call.tensors); // first: a backend may run the function only now
      return program.rebuild!(results) as R;
    } finally {
      closeCall(call);
    }
  };

  const runAsyncWith = async (how: { signal?: AbortSignal | undefined }, ...args: CompiledArguments<A>): Promise<R> => {
    const call = open(args);
    try {
      how.signal?.throwIfAborted();
      const program = find(call);
      if (!program.flat) return runEagerly(name, body, call) as R;
      call.spent = true;
      const results = await program.flat.runAsync(call.tensors, how.signal ? { signal: how.signal } : {});
      return program.rebuild!(results) as R;
    } finally {
      closeCall(call);
    }
  };

  return Object.defineProperties(run as Compiled<A, R>, {
    name: { value: name },
    runAsync: { value: (...args: CompiledArguments<A>) => runAsyncWith({}, ...args) },
    runAsyncWith: { value: runAsyncWith },
    prepare: {
      value: (...args: CompiledArguments<A>): ProgramReport => {
        const call = open(args);
        try {
          return find(call).report;
        } finally {
          closeCall(call); // which is not spent: nothing is consumed
        }
      },
    },
    programs: { get: () => programs.length },
    dispose: {
      value: () => {
        for (const { flat } of programs.splice(0)) flat?.dispose();
      },
    },
  });
}

function build(name: string, fn: (...args: unknown[]) => unknown, signature: Signature): Program {
  const backend = tf.backend() as unknown as Record<symbol, FlatCompiler | undefined>;
  const trace = backend[compilerSymbol];
  if (!trace) {
    const report = {
      backend: signature.backend,
      traced: false,
      nodes: 0,
      modelBytes: 0,
      traceMilliseconds: 0,
      sessionMilliseconds: 0,
    };
    return { signature, report };
  }
  const program: { flat?: FlatProgram; rebuild?: Program['rebuild'] } = {};
  const { form, inputs, donated } = signature;
  const flat = trace(
    (tensors) => {
      const { leaves, rebuild } = evaluate(name, fn, form.rebuild(tensors) as unknown[]);
      program.rebuild = rebuild; // a backend may run the function now, or when the program runs
      return leaves;
    },
    { name, inputs, donated },
  );
  const { nodes, modelBytes, traceMilliseconds, sessionMilliseconds } = flat;
  return Object.assign(program, {
    signature,
    flat,
    report: { backend: signature.backend, traced: true, nodes, modelBytes, traceMilliseconds, sessionMilliseconds },
  });
}

function runEagerly(name: string, fn: (...args: unknown[]) => unknown, call: Call): unknown {
  let rebuild: TreeForm['rebuild'] | undefined;
  const leaves = tf.tidy(() => {
    const result = evaluate(name, fn, call.signature.form.rebuild(call.tensors) as unknown[]);
    rebuild = result.rebuild;
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
): { leaves: tf.Tensor[]; rebuild: TreeForm['rebuild'] } {
  const firstOwn = (tf.engine() as unknown as { nextTensorId(): number }).nextTensorId();
  const result = fn(...args);
  const refuse = (path: string, _value: unknown, why: string): never => {
    throw resultError(name, path, why);
  };
  if (typeof (result as { then?: unknown } | undefined)?.then === 'function')
    refuse('the result', result, 'the function is asynchronous');
  const tree = flattenTree(result, 'result', refuse);
  const seen = new Set<tf.Tensor>();
  const leaves = tree.leaves.map((value, at) => {
    if (typeof value === 'number') return refuse(tree.form.paths[at], value, 'a number is no tensor');
    if (value.isDisposed) return refuse(tree.form.paths[at], value, 'the tensor is disposed');
    const own = value.id >= firstOwn && !seen.has(value);
    seen.add(value);
    return own ? value : tf.clone(value);
  });
  return { leaves, rebuild: tree.form.rebuild };
}

function resultError(name: string, path: string, why: string): Error {
  return tesseraeError({
    package: 'core',
    code: 'E_COMPILE_RESULT',
    message: `${name}: ${path}: ${why}`,
    fix: 'return tensors, in arrays or plain objects; make numbers with tf.scalar',
  });
}
