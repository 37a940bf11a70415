import * as tf from '@tensorflow/tfjs-core';
import { useOnnx } from '@tesserae/backend-onnx';
import { selectBackend } from '@tesserae/core';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateGreedily } from './generate-greedily';
import { trainSmallGpt } from './train-small-gpt';

const root = path.resolve(__dirname, '..', '..');
const unpacked = path.join(root, 'out', 'software-vulkan', 'environment.json');

/**
 * A GPU's own driver is tried first; then the software driver, which must be named before the process starts: this file
 * runs itself once more with its environment. Below: why there is no adapter, or undefined.
 */
async function adapterMissing(): Promise<string | undefined> {
  return selectBackend({ prefer: 'onnx', fallback: false, provider: 'webgpu', log: false }).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

interface ProfiledNode {
  readonly op: string;
  readonly provider: string;
  /** Whether it reads float16. */
  readonly half: boolean;
}

/** The nodes that a Chrome trace of ONNX Runtime says were run. */
function nodesOf(file: string): ProfiledNode[] {
  const events = JSON.parse(readFileSync(file, 'utf8')) as {
    cat: string;
    name: string;
    args: { op_name: string; provider: string; input_type_shape: unknown };
  }[];
  return events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
    .map(({ args }) => ({
      op: args.op_name,
      provider: args.provider,
      half: JSON.stringify(args.input_type_shape).includes('float16'),
    }));
}

const missing = await adapterMissing();
const again = missing !== undefined && process.env['VK_ICD_FILENAMES'] === undefined && existsSync(unpacked);
const patience = 600_000; // a software driver compiles every shader first
const reason = 'the driver is not there: npm run setup:software-vulkan';

describe.skipIf(missing !== undefined)(`WebGPU${missing ? ' (skipped: no adapter in this process)' : ''}`, () => {
  it.each(['gpt2', 'llama'] as const)(
    'trains to the losses of the CPU: %s',
    async (form) => {
      await selectBackend({ prefer: 'onnx', fallback: false, provider: 'cpu', log: false });
      const expected = await trainSmallGpt(form);
      await selectBackend({ prefer: 'onnx', fallback: false, provider: 'webgpu', log: false });
      const found = await trainSmallGpt(form);
      expect(found.leaked).toBe(0);
      const differences = found.losses.map((loss, step) => Math.abs(loss - (expected.losses[step] as number)));
      console.info(`${form}: largest difference of a loss ${Math.max(...differences).toExponential(1)}`);
      expect(Math.max(...differences)).toBeLessThan(1e-3);
    },
    patience,
  );

  it.each(['gpt2', 'llama'] as const)(
    'computes every node of a training step, and the products of float16 in it: %s',
    async (form) => {
      await selectBackend({ prefer: 'onnx', fallback: false, provider: 'cpu', log: false });
      const rounded = await trainSmallGpt(form, { precision: 'float16' });
      const traces = mkdtempSync(path.join(tmpdir(), 'webgpu-profile-'));
      await useOnnx({ provider: 'webgpu', profile: path.join(traces, 'step') });
      const found = await trainSmallGpt(form, { precision: 'float16' });
      const nodes = readdirSync(traces).flatMap((file) => nodesOf(path.join(traces, file)));
      expect(nodes.length).toBeGreaterThan(100);
      expect(nodes.filter(({ provider }) => provider !== 'WebGpuExecutionProvider')).toEqual([]);
      expect(nodes.filter(({ op }) => op.startsWith('Memcpy'))).toEqual([]);
      const halves = nodes.filter(({ op, half }) => (op === 'Gemm' || op === 'MatMul') && half);
      const { halfProducts } = tf.backend() as unknown as { halfProducts: boolean };
      expect(halves.length > 0).toBe(halfProducts); // a device without half precision rounds and multiplies in float32
      const differences = found.losses.map((loss, step) => Math.abs(loss - (rounded.losses[step] as number)));
      console.info(`${form}: ${halves.length} products of float16, losses within ${Math.max(...differences)}`);
      expect(Math.max(...differences)).toBeLessThan(1e-2);
    },
    patience,
  );

  it.each(['gpt2', 'llama'] as const)(
    'generates the tokens of the CPU: %s',
    async (form) => {
      await selectBackend({ prefer: 'onnx', fallback: false, provider: 'cpu', log: false });
      const expected = await generateGreedily(form);
      await selectBackend({ prefer: 'onnx', fallback: false, provider: 'webgpu', log: false });
      expect(await generateGreedily(form)).toEqual(expected);
    },
    patience,
  );
});

describe.skipIf(missing === undefined)(
  `WebGPU without a GPU${missing ? '' : ' (skipped: there is an adapter)'}`,
  () => {
    it.skipIf(!again)(
      again ? 'passes on the software driver' : `passes on the software driver (skipped: ${reason})`,
      () => {
        const environment = JSON.parse(readFileSync(unpacked, 'utf8')) as Record<string, string>;
        const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
        const file = path.relative(root, __filename);
        const libraries = [environment['LD_LIBRARY_PATH'], process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
        const env = { ...process.env, ...environment, LD_LIBRARY_PATH: libraries };
        const run = spawnSync(process.execPath, [vitest, 'run', '--project', 'test-conformance', file], {
          cwd: root,
          env,
          encoding: 'utf8',
          timeout: 4 * patience,
        });
        expect(run.stdout + run.stderr).toMatch(/Tests .*6 passed/);
        expect(run.status).toBe(0);
      },
      4 * patience,
    );
  },
);
