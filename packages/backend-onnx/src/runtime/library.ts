import { createRequire } from 'node:module';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { reasonOf, runtimeError } from './errors';

/** A function of a native library. `async` calls it on another thread. */
export interface NativeFunction {
  (...args: (number | string | ArrayBufferView | null)[]): number;
  async(...args: unknown[]): void;
}

/** What we use of koffi, the foreign-function library. */
export interface Koffi {
  load(path: string): { func(name: string, result: string, parameters: string[]): (...args: unknown[]) => unknown };
  config(settings?: Record<string, number>): Record<string, number>;
  proto(result: string, parameters: string[]): object;
  address(value: ArrayBufferView): bigint;
  decode: {
    (pointer: bigint, offset: number, type: string): number | bigint;
    (pointer: bigint, prototype: object): unknown;
    string(pointer: bigint): string;
  };
}

/** The names of ONNX Runtime's shared library, by platform. */
const fileNames: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/** `require`, wherever this module was loaded from: packages that hold native code are only asked for when needed. */
export function nodeRequire(): NodeJS.Require {
  // Inside the CommonJS build this is the package's own; elsewhere resolve from the folder that the program runs in.
  return typeof require === 'function' ? require : createRequire(path.join(process.cwd(), 'index.js'));
}

/** The folder of the installed `onnxruntime-node` package and its version. @throws E_RUNTIME_MISSING */
export function findOnnxruntimeNode(): { folder: string; version: string } {
  try {
    const manifest = nodeRequire().resolve('onnxruntime-node/package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    return { folder: path.dirname(manifest), version };
  } catch (cause) {
    throw runtimeError(
      'E_RUNTIME_MISSING',
      `the package onnxruntime-node cannot be found: ${reasonOf(cause)}`,
      'npm install onnxruntime-node',
      { cause },
    );
  }
}

/** Where the shared library is, and which version it must be, if that is known. */
export interface LibraryLocation {
  readonly path: string;
  readonly version?: string;
}

/**
 * Finds ONNX Runtime's shared library: `libraryPath`, else TESSERAE_ONNXRUNTIME_LIBRARY, else the one in the package.
 *
 * @throws E_RUNTIME_MISSING when it is not there, or the platform has none
 */
export function locateLibrary(libraryPath?: string): LibraryLocation {
  const chosen = libraryPath ?? (process.env.TESSERAE_ONNXRUNTIME_LIBRARY || undefined);
  if (chosen !== undefined) {
    if (!existsSync(chosen)) {
      throw runtimeError(
        'E_RUNTIME_MISSING',
        `there is no library at ${chosen}`,
        'correct libraryPath or TESSERAE_ONNXRUNTIME_LIBRARY',
      );
    }
    return { path: realpathSync(chosen) };
  }
  const { folder, version } = findOnnxruntimeNode();
  const file = path.join(
    folder,
    'bin',
    'napi-v6',
    process.platform,
    process.arch,
    fileNames[process.platform] ?? 'none',
  );
  if (!existsSync(file)) {
    throw runtimeError(
      'E_RUNTIME_MISSING',
      `onnxruntime-node ${version} holds no library for ${process.platform} ${process.arch}`,
      'use Linux or Windows on x64 or arm64, or macOS on arm64; or point TESSERAE_ONNXRUNTIME_LIBRARY at a library',
    );
  }
  return { path: realpathSync(file), version };
}

/** The stack that a run needs: ONNX Runtime's kernels are written for the 8 MiB of an ordinary thread. */
const stackBytes = 8 * 1024 * 1024;

/** Loads koffi with stacks large enough for ONNX Runtime. @throws E_RUNTIME_MISSING when it is not installed or not built */
export function loadKoffi(): Koffi {
  let koffi: Koffi;
  try {
    koffi = nodeRequire()('koffi') as Koffi;
  } catch (cause) {
    throw runtimeError('E_RUNTIME_MISSING', `koffi cannot be loaded: ${reasonOf(cause)}`, 'npm install koffi', {
      cause,
    });
  }
  try {
    koffi.config({ sync_stack_size: stackBytes, async_stack_size: stackBytes, resident_async_pools: 4 });
  } catch {
    // koffi is in use already and its sizes are fixed: see asyncStackIsEnough.
  }
  return koffi;
}

/** Whether koffi's asynchronous calls have the stack that a run needs; not so when another module set koffi up first. */
export function asyncStackIsEnough(koffi: Koffi): boolean {
  return koffi.config().async_stack_size >= stackBytes / 8;
}
