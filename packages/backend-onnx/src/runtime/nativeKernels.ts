import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { nodeRequire } from './library';

/** Counted up when the kernels change, here and in `native/build.mjs`: a library that was built before is not taken. */
const kernelsVersion = 7;

/**
 * Finds the library of our own fused kernels that was built for this machine (`native/build.mjs`).
 *
 * @returns its path, or undefined where it was not built, the processor lacks its instructions, or
 *   TESSERAE_NATIVE_KERNELS is `off`
 *
 * @example
 * ```ts
 * import { locateNativeKernels } from '@tesserae/backend-onnx';
 *
 * const library = locateNativeKernels();
 * console.log(library === undefined || library.endsWith('.so')); // → true
 * ```
 */
export function locateNativeKernels(): string | undefined {
  if (process.env.TESSERAE_NATIVE_KERNELS === 'off' || !hasInstructions()) return undefined;
  try {
    const manifest = nodeRequire().resolve('@tesserae/backend-onnx/package.json');
    const file = path.join(
      path.dirname(manifest),
      'dist',
      'native',
      `${process.platform}-${process.arch}`,
      `libtesserae_kernels.${kernelsVersion}.so`,
    );
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** On x64 the kernels use AVX2 and FMA: every such processor since 2015, but not every virtual machine. */
function hasInstructions(): boolean {
  if (process.arch !== 'x64') return true;
  if (process.platform !== 'linux') return process.platform === 'darwin';
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    return flags.includes('avx2') && flags.includes('fma');
  } catch {
    return false;
  }
}
