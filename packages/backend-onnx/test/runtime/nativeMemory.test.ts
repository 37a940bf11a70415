import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { locateNativeKernels } from '@tesserae/backend-onnx';
import { expect, it } from 'vitest';

const possible =
  process.platform === 'linux' &&
  locateNativeKernels() !== undefined &&
  spawnSync('cc', ['--version']).status === 0 &&
  process.env.LD_PRELOAD === undefined;
if (!possible) console.log('skipped: kernels without memory need Linux, a C compiler and our own kernels');

it.runIf(possible)('a kernel that finds no memory fails its run, not the process', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tesserae-'));
  try {
    const library = path.join(folder, 'starve.so');
    writeFileSync(
      path.join(folder, 'starve.c'),
      `#define _GNU_SOURCE
      #include <dlfcn.h>
      #include <stdlib.h>
      #include <string.h>
      void *aligned_alloc(size_t alignment, size_t size) {
        void *memory = 0;
        Dl_info caller;
        const int ours = dladdr(__builtin_return_address(0), &caller) && strstr(caller.dli_fname, "tesserae_kernels");
        return (ours && size >= 20000) || posix_memalign(&memory, alignment, size) ? 0 : memory;
      }`,
    );
    execFileSync('cc', ['-shared', '-fPIC', path.join(folder, 'starve.c'), '-o', library]);
    const program = path.join(process.cwd(), 'packages/backend-onnx/test/runtime/starved.ts');
    const result = spawnSync(process.execPath, ['--import', 'tsx', program], {
      encoding: 'utf8',
      env: { ...process.env, LD_PRELOAD: library },
      timeout: 50_000,
    });
    expect(result.stdout.split('\n').filter((line) => line.includes(':'))).toEqual([
      'Linear: E_RUNTIME_FAILED true',
      'Attention: E_RUNTIME_FAILED true',
      'Attention: E_RUNTIME_FAILED true',
      'AttentionGradient: E_RUNTIME_FAILED true',
      'Linear: ran',
    ]);
    expect(result.status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
