// Compiles our own kernels with the C compiler of this machine, where there is one. Without it everything works,
// in standard ONNX operators: slower, with the same results.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(here, '..', 'dist', 'native', `${process.platform}-${process.arch}`);
const target = path.join(folder, 'libtesserae_kernels.7.so'); // the number that src/runtime/nativeKernels.ts asks for
const compiler = [process.env.CC, 'cc', 'gcc', 'clang'].find(
  (name) => name && spawnSync(name, ['--version']).status === 0,
);

if (process.platform === 'win32') console.log('native kernels: not built on Windows; standard operators are used');
else if (!compiler)
  console.log('native kernels: no C compiler found; standard operators are used (install gcc or clang for speed)');
else {
  const instructions = process.arch === 'x64' ? ['-mavx2', '-mfma'] : [];
  const sources = readdirSync(here)
    .filter((name) => name.endsWith('.c'))
    .map((name) => path.join(here, name));
  const draft = `${target}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    const options = ['-O3', ...instructions, '-fno-math-errno', '-fno-trapping-math', '-Wall', '-shared', '-fPIC'];
    execFileSync(compiler, [...options, ...sources, '-o', draft, '-lm'], { stdio: ['ignore', 'inherit', 'pipe'] });
    renameSync(draft, target); // whole or not at all: another process may be loading it
    console.log(`native kernels: built with ${compiler} for ${process.platform} ${process.arch}`);
  } catch (error) {
    console.log(
      `native kernels: ${compiler} could not build them; standard operators are used\n${String(error.stderr ?? error)}`,
    );
  }
}
