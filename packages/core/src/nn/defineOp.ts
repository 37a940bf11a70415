import * as tf from '@tensorflow/tfjs-core';

/** The tensors an op takes, by name; optional ones may be undefined. */
export type OpInputs = Readonly<Record<string, tf.Tensor | undefined>>;

/** The settings an op takes: plain values. */
export type OpAttributes = Readonly<Record<string, string | number | boolean | readonly number[] | undefined>>;

/** What a hand-written gradient is given. */
export interface BackwardContext<I extends OpInputs, A extends OpAttributes> {
  /** The gradient of the op's value. */
  readonly gradient: tf.Tensor;
  readonly inputs: I;
  /** The op's own value. */
  readonly value: tf.Tensor;
  /** What `forward` gave beside the value. */
  readonly extras: readonly tf.Tensor[];
  readonly attributes: A;
}

/** A hand-written gradient. */
export interface OpGradient<I extends OpInputs, A extends OpAttributes> {
  /** The composite again, but also giving what `backward` wants to keep: [value, ...extras]. */
  forward?(inputs: I, attributes: A): [value: tf.Tensor, ...extras: tf.Tensor[]];
  /** Gradients by input name; float32 inputs left out get zeros. */
  backward(context: BackwardContext<I, A>): Partial<Record<keyof I, tf.Tensor>>;
}

/** The definition of an op: what it means, and how it can be faster. */
export interface OpDefinition<I extends OpInputs, A extends OpAttributes> {
  /** Also the name of the fused kernel, where a backend has one. */
  readonly name: string;
  /** What the op means, in TensorFlow.js ops. */
  composite(inputs: I, attributes: A): tf.Tensor;
  readonly gradient?: OpGradient<I, A>;
  /**
   * A fused form for a backend that takes lowerings under `Symbol.for('tesserae.lowerings')`. Its outputs are those of
   * `gradient.forward` (the value alone where there is none); it is given the attributes as they are.
   */
  readonly lower?: unknown;
}

/** An op: a function from tensors and settings to a tensor, which also shows its definition. */
export interface Op<I extends OpInputs, A extends OpAttributes> {
  (inputs: I, attributes: A): tf.Tensor;
  readonly definition: OpDefinition<I, A>;
}

const lowerings = Symbol.for('tesserae.lowerings');
const supportsSymbol = Symbol.for('tesserae.supports');
type Supports = (name: string, inputs: OpInputs, attributes: OpAttributes) => boolean;
const taught = /* @__PURE__ */ new WeakMap<object, Set<string>>();

/**
 * Defines an op: one meaning, several speeds.
 *
 * The `composite` is the meaning and runs everywhere. A hand-written `gradient` replaces automatic differentiation. Where
 * the active backend has a kernel of the op's name (its own, or one made from `lower`), the forward pass uses that; its
 * gradient is the backend's `<name>Gradient` where it has one, else the hand-written one, or the composite's, recomputed. `describeOpContract` in `@tesserae/core/testing`
 * holds all of them equal.
 *
 * @param definition name, composite, and optionally gradient and fused form
 * @returns the op
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { defineOp } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * const cube = defineOp<{ x: tf.Tensor }, Record<string, never>>({
 *   name: 'Cube',
 *   composite: ({ x }) => tf.mul(x, tf.square(x)),
 *   gradient: { backward: ({ gradient, inputs }) => ({ x: tf.mul(gradient, tf.mul(3, tf.square(inputs.x))) }) },
 * });
 * console.log(tf.grad((x) => cube({ x }, {}))(tf.scalar(2)).dataSync()[0]); // → 12
 * ```
 */
export function defineOp<I extends OpInputs, A extends OpAttributes>(definition: OpDefinition<I, A>): Op<I, A> {
  const op = (inputs: I, attributes: A): tf.Tensor => {
    const fused = hasKernel(definition, inputs, attributes);
    if (!fused && !definition.gradient) return tf.tidy(() => definition.composite(inputs, attributes));
    return differentiable(definition, inputs, attributes, fused);
  };
  return Object.assign(op, { definition });
}

/** Whether the active backend has the fused kernel; teaches it the lowering first where it takes lowerings. */
function hasKernel<I extends OpInputs, A extends OpAttributes>({ name, lower }: OpDefinition<I, A>, inputs: I, attributes: A): boolean {
  const backendName = tf.getBackend();
  if (lower !== undefined && !tf.getKernel(name, backendName)) {
    const backend = tf.backend() as unknown as Record<symbol, ((name: string, lowering: unknown) => void) | undefined>;
    const known = taught.get(backend) ?? new Set<string>();
    if (backend[lowerings] && !known.has(name)) {
      taught.set(backend, known.add(name));
      backend[lowerings](name, lower);
    }
  }
  return supports(name, inputs, attributes);
}

/** Whether the active backend has a kernel and, where it tells, takes it for these inputs. */
function supports(name: string, inputs: OpInputs, attributes: OpAttributes): boolean {
  if (!tf.getKernel(name, tf.getBackend())) return false;
  const asked = (tf.backend() as unknown as Record<symbol, Supports | undefined>)[supportsSymbol];
  return asked?.(name, inputs, attributes) ?? true;
}

/**
 * Runs a fused kernel by name where the active backend has it for these inputs. For computations without a gradient,
 * such as an optimizer's update; ops use `defineOp`.
 *
 * @param name the kernel
 * @param inputs its tensors by name
 * @param attributes its settings
 * @returns its outputs, or undefined where there is no such kernel: then compute it in TensorFlow.js ops
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { runFused } from '@tesserae/core';
 *
 * await tf.setBackend('cpu');
 * console.log(runFused('NoSuchKernel', { x: tf.scalar(1) })); // → undefined
 * ```
 */
export function runFused(name: string, inputs: OpInputs, attributes: OpAttributes = {}): tf.Tensor[] | undefined {
  if (!supports(name, inputs, attributes)) return undefined;
  const present = Object.keys(inputs).filter((key) => inputs[key] !== undefined);
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, named(present, inputs), attributes as unknown as tf.NamedAttrMap);
  return Array.isArray(outputs) ? outputs : [outputs];
}

function differentiable<I extends OpInputs, A extends OpAttributes>(
  definition: OpDefinition<I, A>,
  inputs: I,
  attributes: A,
  fused: boolean,
): tf.Tensor {
  const names = Object.keys(inputs).filter((name) => inputs[name] !== undefined);
  const floats = names.filter((name) => inputs[name]!.dtype === 'float32');
  const forward = (current: I): tf.Tensor[] => {
    if (fused) {
      const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(definition.name, named(names, current), attributes as unknown as tf.NamedAttrMap);
      return Array.isArray(outputs) ? outputs : [outputs];
    }
    return definition.gradient?.forward?.(current, attributes) ?? [definition.composite(current, attributes)];
  };
  if (floats.length === 0) return tf.tidy(() => forward(inputs)[0]);
  return tf.customGrad((...args: unknown[]) => {
    const save = args[floats.length] as (tensors: tf.Tensor[]) => void;
    const current = { ...inputs };
    floats.forEach((name, index) => ((current as Record<string, unknown>)[name] = args[index]));
    const outputs = forward(current);
    save([...names.map((name) => current[name]!), ...outputs]);
    const gradFunc = (gradient: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const kept = Object.fromEntries(names.map((name, index) => [name, saved[index]])) as unknown as I;
      const fusedGradient = fused ? runGradient(definition, kept, attributes, gradient, saved.slice(names.length)) : undefined;
      if (fusedGradient) return fusedGradient;
      // A fused kernel that gives the value alone leaves the extras to be made again here.
      const again = fused && outputs.length === 1 ? definition.gradient?.forward?.(kept, attributes) : undefined;
      const [value, ...extras] = again ?? saved.slice(names.length);
      const gradients = definition.gradient
        ? definition.gradient.backward({ gradient, inputs: kept, value, extras, attributes })
        : recompute(definition, kept, attributes, gradient, floats);
      return floats.map((name) => gradients[name] ?? tf.zerosLike(kept[name]!));
    };
    return { value: outputs[0], gradFunc: gradFunc as (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[] };
  })(...floats.map((name) => inputs[name]!));
}

/**
 * The fused gradient, where the backend has a kernel called `<name>Gradient`: it takes the gradient, the op's inputs, its
 * value as `output` and what the fused forward gave beside it as `extra0`, `extra1`, …, and gives the gradients of the
 * float32 inputs in their order.
 */
function runGradient<I extends OpInputs, A extends OpAttributes>(
  { name }: OpDefinition<I, A>,
  inputs: I,
  attributes: A,
  gradient: tf.Tensor,
  [output, ...extras]: readonly tf.Tensor[],
): tf.Tensor[] | undefined {
  const kept = Object.fromEntries(extras.map((extra, index) => [`extra${index}`, extra]));
  return runFused(`${name}Gradient`, { gradient, ...inputs, output, ...kept }, attributes);
}

/** The composite's own gradient, for a fused kernel without a hand-written one. */
function recompute<I extends OpInputs, A extends OpAttributes>(
  definition: OpDefinition<I, A>,
  inputs: I,
  attributes: A,
  gradient: tf.Tensor,
  floats: readonly string[],
): Partial<Record<keyof I, tf.Tensor>> {
  const run = (...args: tf.Tensor[]): tf.Tensor =>
    definition.composite({ ...inputs, ...Object.fromEntries(floats.map((name, index) => [name, args[index]])) }, attributes);
  const gradients = tf.grads(run)(floats.map((name) => inputs[name]!), gradient);
  return Object.fromEntries(floats.map((name, index) => [name, gradients[index]])) as Partial<Record<keyof I, tf.Tensor>>;
}

function named(names: readonly string[], inputs: OpInputs): tf.NamedTensorMap {
  return Object.fromEntries(names.map((name) => [name, inputs[name]!]));
}
