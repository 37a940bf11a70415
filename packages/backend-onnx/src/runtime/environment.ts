import { availableParallelism } from 'node:os';
import type { NativeApi } from './nativeApi';

/** What all sessions of one library share. It lives as long as the process. */
export interface Environment {
  /** OrtEnv*. */
  readonly pointer: number;
  /** OrtMemoryInfo* of ordinary memory. */
  readonly cpuMemory: number;
  /** OrtAllocator* that names are allocated with. */
  readonly allocator: number;
  /** Threads of the pool that sessions share. */
  readonly threads: number;
  /** False when another user of the library made the environment first, without a pool to share. */
  sharesPool: boolean;
}

/** Only what ends the process is logged: everything else comes back as a status. */
const fatal = 4;

/** Makes the environment: one thread pool for all sessions, as wide as the processor. */
export function createEnvironment(api: NativeApi): Environment {
  const { table, check, read } = api;
  const threads = availableParallelism();
  const doing = 'make an environment';
  const threading = read(table.CreateThreadingOptions, doing);
  try {
    check(table.SetGlobalIntraOpNumThreads(threading, threads), doing);
    return {
      pointer: read(table.CreateEnvWithGlobalThreadPools, doing, fatal, 'tesserae', threading),
      cpuMemory: read(table.CreateCpuMemoryInfo, doing, 0, 0), // OrtDeviceAllocator, OrtMemTypeDefault
      allocator: read(table.GetAllocatorWithDefaultOptions, doing),
      threads,
      sharesPool: true,
    };
  } finally {
    table.ReleaseThreadingOptions(threading);
  }
}

/** The execution providers that are compiled into the library. */
export function availableProviders({ table, check, text, word }: NativeApi): string[] {
  const list = new BigUint64Array(1);
  const count = new Int32Array(1);
  check(table.GetAvailableProviders(list, count), 'list its providers');
  const names = Array.from({ length: count[0] }, (_, index) => text(word(Number(list[0]), index)));
  check(table.ReleaseAvailableProviders(Number(list[0]), count[0]), 'list its providers');
  return names;
}
