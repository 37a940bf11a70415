import * as tf from '@tensorflow/tfjs-core';
import type { Lowering } from '@tesserae/backend-onnx';
import { tesseraeError } from '@tesserae/registry';

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
  readonly lower?: Lowering;
}

/** An op: a function from tensors and settings to a tensor, which also shows its definition. */
export interface Op<I extends OpInputs, A extends OpAttributes> {
  (inputs: I, attributes: A): tf.Tensor;
  readonly definition: OpDefinition<I, A>;
}

const lowerings = Symbol.for('tesserae.lowerings');
const supports = Symbol.for('tesserae.supports');

/** What a backend may offer to ops. */
interface FusingBackend {
  [lowerings]?: (name: string, lowering: Lowering) => void;
  /** Whether it computes this kernel for these inputs. */
  [supports]?: (
    name: string,
    inputs: Readonly<Record<string, tf.Tensor | undefined>>,
    attributes: OpAttributes,
  ) => boolean;
}

const taught = /* @__PURE__ */ new WeakMap<object, Set<string>>();

/**
 * Defines an op: one meaning, several speeds.
 *
 * The `composite` is the meaning and runs everywhere. A hand-written `gradient` replaces automatic differentiation. Where
 * the active backend has a kernel of the op's name (its own, or one made from `lower`), the forward pass uses that; where
 * it has a kernel `<name>Gradient` too, so does the backward pass: its inputs are `gradient`, the op's own inputs,
 * `output`, and `extra0`, `extra1` … for what the forward kernel gave beside the value; its outputs are the gradients of
 * the float32 inputs in their order. Otherwise the gradient is the hand-written one, or the composite's.
 * `describeOpContract` of `@tesserae/core/testing` holds all of them equal.
 *
 * @param definition name, composite, and optionally gradient and fused form
 * @returns the op
 * @throws E_OP when the definition has no name or no composite
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { defineOp, selectBackend } from '@tesserae/core';
 *
 * await selectBackend({ prefer: 'cpu', log: false });
 * const cube = defineOp<{ x: tf.Tensor }, Record<string, never>>({
 *   name: 'Cube',
 *   composite: ({ x }) => tf.mul(x, tf.square(x)),
 *   gradient: { backward: ({ gradient, inputs }) => ({ x: tf.mul(gradient, tf.mul(3, tf.square(inputs.x))) }) },
 * });
 * console.log(tf.grad((x) => cube({ x }, {}))(tf.scalar(2)).dataSync()[0]); // → 12
 * ```
 */
export function defineOp<I extends OpInputs, A extends OpAttributes>(definition: OpDefinition<I, A>): Op<I, A> {
  if (typeof definition?.name !== 'string' || definition.name === '' || typeof definition.composite !== 'function') {
    throw tesseraeError({
      package: 'core',
      code: 'E_OP',
      message: 'an op needs a name and a composite',
      fix: "defineOp({ name: 'Cube', composite: ({ x }) => … })",
    });
  }
  const op = (inputs: I, attributes: A): tf.Tensor => {
    const fused = hasKernel(definition, definition.name, inputs, attributes);
    if (!fused && !definition.gradient) return tf.tidy(() => definition.composite(inputs, attributes));
    return differentiable(definition, inputs, attributes, fused);
  };
  return Object.assign(op, { definition });
}

/** Whether the active backend has a kernel for these inputs; teaches it the lowering first where it takes lowerings. */
function hasKernel<I extends OpInputs, A extends OpAttributes>(
  definition: OpDefinition<I, A>,
  name: string,
  inputs: OpInputs,
  attributes: A,
): boolean {
  const backend = tf.backend() as unknown as FusingBackend;
  if (definition.lower !== undefined && backend[lowerings]) {
    const known = taught.get(backend) ?? new Set<string>();
    if (!known.has(definition.name)) {
      taught.set(backend, known.add(definition.name));
      backend[lowerings](definition.name, definition.lower);
    }
  }
  if (!tf.getKernel(name, tf.getBackend())) return false;
  return backend[supports]?.(name, inputs, attributes) ?? true;
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
    if (fused) return runKernel(definition.name, pick(names, current), attributes);
    return definition.gradient?.forward?.(current, attributes) ?? [definition.composite(current, attributes)];
  };
  if (floats.length === 0) return tf.tidy(() => forward(inputs)[0]);
  return tf.customGrad((...args: unknown[]) => {
    const save = args[floats.length] as (tensors: tf.Tensor[]) => void;
    const current = { ...inputs, ...Object.fromEntries(floats.map((name, index) => [name, args[index]])) };
    const outputs = forward(current);
    save([...names.map((name) => current[name]!), ...outputs]);
    const gradFunc = (gradient: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const kept = Object.fromEntries(names.map((name, index) => [name, saved[index]])) as unknown as I;
      return backward(definition, {
        gradient,
        inputs: kept,
        attributes,
        floats,
        outputs: saved.slice(names.length),
        fused,
      });
    };
    return { value: outputs[0], gradFunc: gradFunc as (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[] };
  })(...floats.map((name) => inputs[name]!));
}

/** What the backward pass of one call has at hand. */
interface Backward<I extends OpInputs, A extends OpAttributes> {
  readonly gradient: tf.Tensor;
  readonly inputs: I;
  readonly attributes: A;
  /** Names of the inputs that take gradients. */
  readonly floats: readonly string[];
  /** What the forward pass gave: the value and the extras, of the fused kernel or of `gradient.forward`. */
  readonly outputs: readonly tf.Tensor[];
  readonly fused: boolean;
}

function backward<I extends OpInputs, A extends OpAttributes>(
  definition: OpDefinition<I, A>,
  call: Backward<I, A>,
): tf.Tensor[] {
  const { gradient, inputs, attributes, floats, outputs, fused } = call;
  if (fused) {
    const name = `${definition.name}Gradient`;
    const extras = Object.fromEntries(outputs.slice(1).map((extra, index) => [`extra${index}`, extra]));
    const operands = { gradient, ...inputs, output: outputs[0], ...extras };
    if (hasKernel(definition, name, operands, attributes)) return runKernel(name, operands, attributes);
  }
  if (!definition.gradient) return compositeGradient(definition, call);
  // The extras of a fused kernel are its own; the hand-written gradient needs those of its own forward pass.
  const [value, ...extras] =
    fused && definition.gradient.forward ? definition.gradient.forward(inputs, attributes) : outputs;
  const gradients = definition.gradient.backward({ gradient, inputs, value, extras, attributes });
  return floats.map((name) => gradients[name] ?? tf.zerosLike(inputs[name]!));
}

/** The composite's own gradient, for a fused kernel without a hand-written one. */
function compositeGradient<I extends OpInputs, A extends OpAttributes>(
  definition: OpDefinition<I, A>,
  { gradient, inputs, attributes, floats }: Backward<I, A>,
): tf.Tensor[] {
  const run = (...args: tf.Tensor[]): tf.Tensor =>
    definition.composite(
      { ...inputs, ...Object.fromEntries(floats.map((name, index) => [name, args[index]])) },
      attributes,
    );
  return tf.grads(run)(
    floats.map((name) => inputs[name]!),
    gradient,
  );
}

function runKernel(name: string, inputs: OpInputs, attributes: OpAttributes): tf.Tensor[] {
  const outputs = tf
    .engine()
    .runKernel<tf.Tensor | tf.Tensor[]>(name, inputs as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap);
  return Array.isArray(outputs) ? outputs : [outputs];
}

function pick(names: readonly string[], inputs: OpInputs): OpInputs {
  return Object.fromEntries(names.map((name) => [name, inputs[name]]));
}
