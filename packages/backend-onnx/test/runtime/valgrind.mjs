// Runs the runtime under valgrind: `node packages/backend-onnx/test/runtime/valgrind.mjs`.
//
// Node's own heap and code are too busy for valgrind's leak check, so what counts here is invalid memory: reads, writes
// and frees of what is not there, inside the libraries that we call. V8's are suppressed, as they are its own business.
// Ends with `0 invalid accesses`; exit code 1 if there was one, 77 where there is no valgrind. Under a minute.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleRuntime } from './bundle.mjs';

/** koffi calls on a stack of its own, which valgrind takes for memory below the stack pointer. */
const isStackSwitch = (block) =>
  /^.*Invalid .*\n.* at 0x\w+: \S+ \(in .*koffi\.node\)/m.test(block) &&
  /is (in a rw- anonymous segment|on thread \d+'s stack)/.test(block);

const here = path.dirname(fileURLToPath(import.meta.url));
if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.log('skipped: there is no valgrind');
  process.exit(77);
}
const folder = await bundleRuntime();
const program = path.join(folder, 'exercise.cjs');
const log = path.join(folder, 'valgrind.log');
writeFileSync(program, readFileSync(path.join(here, 'exercise.cjs')));
const { status, signal } = spawnSync(
  'valgrind',
  [
    '--error-exitcode=0',
    '--fair-sched=try', // else a thread that waits actively may starve the one it waits for
    '--num-callers=30',
    '--error-limit=no',
    `--suppressions=${path.join(here, 'valgrind.supp')}`,
    `--log-file=${log}`,
    process.execPath,
    '--expose-gc',
    '--jitless', // no code that valgrind would have to watch being written
    '--single-threaded-gc',
    program,
  ],
  { stdio: 'inherit' },
);
const report = readFileSync(log, 'utf8');
const found = report.match(/ERROR SUMMARY: (\d+) errors/);
const invalid = report
  .split(/\n==\d+== \n/)
  .filter((block) => /Invalid (read|write|free)|Mismatched|Process terminating|uninitialised/.test(block))
  .filter((block) => !isStackSwitch(block));
for (const block of invalid.slice(0, 20)) console.log(block);
console.log(`exit ${status ?? signal}; ${found?.[0] ?? 'no summary'}; ${invalid.length} invalid accesses`);
rmSync(folder, { recursive: true, force: true });
process.exitCode = status === 0 && invalid.length === 0 ? 0 : 1;
