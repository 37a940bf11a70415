import { requireIdle, runtimeError } from './errors';
import { createHandle, dispose, watch } from './handles';
import type { Handle } from './handles';
import { asyncStackIsEnough } from './library';
import type { NativeApi } from './nativeApi';
import { checkComplete, fitPort } from './ports';
import type { NamedPort } from './ports';
import type { Binding, DeviceValue, Value } from './types';
import { checkHeld, holdValue } from './values';
import type { HeldValue } from './values';

/** The session that a binding belongs to. */
export interface BoundSession {
  readonly api: NativeApi;
  readonly handle: Handle;
  readonly inputs: ReadonlyMap<string, NamedPort>;
  readonly outputs: ReadonlyMap<string, NamedPort>;
  /** Weights handed over: the session reads their memory. */
  readonly initializers: readonly HeldValue[];
  /** Whether the provider has memory of its own: binding an input copies it there, once. */
  readonly copiesInputs: boolean;
  /** Runs on other threads; the session must not go away under them. */
  running: number;
  /** The session itself: it must not be collected before its bindings. */
  owner: object | undefined;
}

/** Bindings at work on another thread: nothing else may hold them, and they must not be collected under it. */
const atWork = /* @__PURE__ */ new Set<Binding>();

/** Ties values to a session. */
export function createBinding(
  session: BoundSession,
  inputs: Record<string, Value | DeviceValue>,
  outputs: Record<string, Value | DeviceValue>,
): Binding {
  const { api } = session;
  const { table, read, check } = api;
  const handle = createHandle(
    read(table.CreateIoBinding, 'make a binding', session.handle.pointer),
    table.ReleaseIoBinding,
    session.handle,
  );
  const held: HeldValue[] = []; // what is bound stays alive, and so does its memory
  const places = { input: new Map<string, number>(), output: new Map<string, number>() }; // name → index in held
  const runWithBinding = table.RunWithBinding;
  let passed: string[] = []; // outputs that are inputs: ONNX Runtime hands those back without writing anything
  let running = false;
  let stop: Handle | undefined; // OrtRunOptions, made for the first run that has a signal

  const idle = (what: string): void => requireIdle(what, { disposed: handle.pointer === 0, running });
  const place = (side: 'input' | 'output', name: string, value: Value | DeviceValue): void => {
    const what = `${side} '${name}'`;
    idle(`set ${what}`);
    const holding = holdValue(what, value, api);
    const port = fitPort(session[`${side}s`], side, name, value);
    const bind = side === 'input' ? table.BindInput : table.BindOutput;
    check(bind(handle.pointer, port.nameBytes, holding.handle.pointer), `bind ${what}`);
    const index = places[side].get(name);
    if (index !== undefined) held[index] = holding;
    else {
      places[side].set(name, held.push(holding) - 1);
      if (side === 'output' && session.inputs.has(name)) passed = [...passed, name];
    }
  };
  /** Everything that a run will touch is there. */
  const ready = (): void => {
    idle('run');
    checkHeld(held);
    checkHeld(session.initializers);
    checkComplete(session.inputs, places.input, places.output.size);
    if (session.copiesInputs) copyInputs();
  };
  /** What was copied when it was bound may have changed since: bind it again, so that a run sees the values' memory. */
  const copyInputs = (): void => {
    for (const [name, index] of places.input) {
      const port = session.inputs.get(name);
      if (port === undefined || held[index].data === undefined) continue;
      check(table.BindInput(handle.pointer, port.nameBytes, held[index].handle.pointer), `bind input '${name}'`);
    }
  };
  const finish = (): void => {
    for (const name of passed) {
      const from = held[places.input.get(name) as number].data as Uint8Array | undefined;
      const to = held[places.output.get(name) as number].data as Uint8Array | undefined;
      if (from === undefined || to === undefined)
        throw runtimeError(
          'E_NOT_IMPLEMENTED',
          `output '${name}' is an input, and one of them is in a provider's memory`,
          'use the input itself',
        );
      if (from.length !== to.length)
        throw runtimeError(
          'E_VALUE_DIMS',
          `output '${name}' came out with ${from.length} elements, found a value of ${to.length}`,
          'bind a value of its shape',
        );
      if (from !== to) to.set(from);
    }
  };

  const binding: Binding = {
    get disposed() {
      return handle.pointer === 0;
    },
    get running() {
      return running;
    },
    setInput: (name, value) => place('input', name, value),
    setOutput: (name, value) => place('output', name, value),
    run() {
      ready();
      const status = runWithBinding(session.handle.pointer, 0, handle.pointer);
      if (status !== 0) check(status, 'run the session');
      if (passed.length > 0) finish();
    },
    async runAsync({ signal } = {}) {
      ready();
      if (signal?.aborted === true) throw cancelled(signal);
      if (!asyncStackIsEnough(api.koffi)) throw tooLittleStack();
      if (signal !== undefined) stop ??= createStop(api, handle);
      await runElsewhere(signal, stop);
      finish();
    },
    dispose() {
      if (running) idle('dispose of it');
      dispose(handle);
    },
  };

  function runElsewhere(signal: AbortSignal | undefined, stopping: Handle | undefined): Promise<void> {
    const runOptions = signal === undefined || stopping === undefined ? 0 : stopping.pointer;
    const onAbort = (): void => void table.RunOptionsSetTerminate(runOptions);
    return new Promise<void>((resolve, reject) => {
      const settle = (failure: unknown, status: number): void => {
        running = false;
        session.running -= 1;
        atWork.delete(binding);
        signal?.removeEventListener('abort', onAbort);
        if (signal?.aborted === true) table.RunOptionsUnsetTerminate(runOptions);
        try {
          if (failure) throw failure;
          check(status, 'run the session');
          resolve(); // a run that was too quick for its signal is a finished run
        } catch (error) {
          reject(signal?.aborted === true ? cancelled(signal, error) : error);
        }
      };
      running = true;
      session.running += 1;
      atWork.add(binding);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        runWithBinding.async(session.handle.pointer, runOptions, handle.pointer, settle);
      } catch (error) {
        settle(error, 0);
      }
    });
  }

  watch(binding, handle);
  try {
    for (const name of Object.keys(inputs)) binding.setInput(name, inputs[name]);
    for (const name of Object.keys(outputs)) binding.setOutput(name, outputs[name]);
  } catch (error) {
    binding.dispose();
    throw error;
  }
  return binding;
}

/** Run options through which a run can be stopped; freed with the binding. */
function createStop({ table, read }: NativeApi, parent: Handle): Handle {
  return createHandle(read(table.CreateRunOptions, 'prepare a run'), table.ReleaseRunOptions, parent);
}

function cancelled(signal: AbortSignal, error?: unknown): Error {
  return runtimeError(
    'E_CANCELLED',
    'the run was cancelled by its signal',
    'run again with another signal; what the outputs hold now has no meaning',
    {
      cause: error ?? signal.reason,
    },
  );
}

function tooLittleStack(): Error {
  return runtimeError(
    'E_ASYNC_STACK',
    'another module loaded a library through koffi first and left too little stack for runs on other threads',
    'load the runtime before it, call koffi.config({ async_stack_size: 8 << 20 }) before it, or use run()',
  );
}
