import { runtimeError } from './errors';
import { createHandle, dispose, watch } from './handles';
import type { Handle } from './handles';
import { asyncStackIsEnough } from './library';
import type { NativeApi } from './nativeApi';
import { fitPort } from './ports';
import type { NamedPort } from './ports';
import type { Binding, Value } from './types';
import { valueHandle } from './values';

/** The session that a binding belongs to. */
export interface BoundSession {
  readonly api: NativeApi;
  readonly handle: Handle;
  readonly inputs: ReadonlyMap<string, NamedPort>;
  readonly outputs: ReadonlyMap<string, NamedPort>;
  /** Runs on other threads; the session must not go away under them. */
  running: number;
}

/** A value in its place. The binding keeps it, and so its memory, alive. */
interface Slot {
  readonly name: string;
  readonly value: Value;
  readonly handle: Handle;
  /** Bytes that the data must still have: a transferred array has none. */
  readonly bytes: number;
}

/** Ties values to a session. */
export function createBinding(session: BoundSession, inputs: Record<string, Value>, outputs: Record<string, Value>): Binding {
  const { api } = session;
  const { table, read, check } = api;
  const handle = createHandle(
    read(table.CreateIoBinding, 'make a binding', session.handle.pointer),
    (pointer) => void table.ReleaseIoBinding(pointer),
    session.handle,
  );
  const slots: Slot[] = [];
  const places = new Map<string, number>(); // 'input x' → index in slots
  const runWithBinding = table.RunWithBinding;
  let running = false;
  let stop: Handle | undefined; // OrtRunOptions, made for the first run that has a signal

  const idle = (what: string): void => {
    if (handle.pointer === 0) throw runtimeError('E_DISPOSED', `cannot ${what}: the binding or its session was disposed of`, 'make a new binding');
    if (running) throw runtimeError('E_RUNNING', `cannot ${what}: the binding is running`, 'await runAsync first, or make one binding per run');
  };
  const place = (side: 'input' | 'output', name: string, value: Value): void => {
    const what = `${side} '${name}'`;
    idle(`set ${what}`);
    const bound = valueHandle(value, api, what);
    const port = fitPort(side === 'input' ? session.inputs : session.outputs, side, name, value);
    const bind = side === 'input' ? table.BindInput : table.BindOutput;
    check(bind(handle.pointer, port.nameBytes, bound.pointer), `bind ${what}`);
    const slot: Slot = { name: what, value, handle: bound, bytes: value.data.byteLength };
    const index = places.get(what);
    if (index === undefined) places.set(what, slots.push(slot) - 1);
    else slots[index] = slot;
  };
  /** Everything that a run will touch is still there. */
  const ready = (): void => {
    idle('run');
    for (let index = 0; index < slots.length; index += 1) {
      const slot = slots[index];
      if (slot.handle.pointer !== 0 && slot.value.data.byteLength === slot.bytes) continue;
      if (slot.handle.pointer === 0) throw runtimeError('E_DISPOSED', `the value of ${slot.name} was disposed of`, 'bind another value');
      throw runtimeError('E_VALUE_BUFFER', `the memory of ${slot.name} was transferred away`, 'never transfer the buffer of a bound array');
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
    },
    async runAsync(options = {}) {
      ready();
      const { signal } = options;
      if (signal?.aborted === true) throw cancelled(signal);
      if (!asyncStackIsEnough(api.koffi)) {
        throw runtimeError(
          'E_ASYNC_STACK',
          'another module loaded a library through koffi first and left too little stack for runs on other threads',
          'load the runtime before it, call koffi.config({ async_stack_size: 8 << 20 }) before it, or use run()',
        );
      }
      if (signal !== undefined && stop === undefined) stop = createStop(api, binding, handle);
      await runElsewhere(signal);
    },
    dispose() {
      if (running) idle('dispose of it');
      if (stop !== undefined) dispose(stop);
      dispose(handle);
    },
  };

  function runElsewhere(signal: AbortSignal | undefined): Promise<void> {
    const runOptions = signal === undefined || stop === undefined ? 0 : stop.pointer;
    const onAbort = (): void => void table.RunOptionsSetTerminate(runOptions);
    return new Promise<void>((resolve, reject) => {
      const settle = (failure: unknown, status: number): void => {
        running = false;
        session.running -= 1;
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
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        // `binding` and with it every slot stays reachable from this callback.
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

/** Run options through which a run can be stopped; freed with the binding's handle or when the binding is collected. */
function createStop({ table, read }: NativeApi, owner: object, parent: Handle): Handle {
  const pointer = read(table.CreateRunOptions, 'prepare a run');
  return createHandle(pointer, (address) => void table.ReleaseRunOptions(address), parent);
}

function cancelled(signal: AbortSignal, error?: unknown): Error {
  return runtimeError('E_CANCELLED', 'the run was cancelled by its signal', 'run again with another signal; the outputs hold anything now', {
    cause: error ?? signal.reason,
  });
}

