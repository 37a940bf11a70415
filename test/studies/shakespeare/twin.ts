import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ArchitectureConfig, Model } from '@tesserae/core';
import { savePretrained } from '@tesserae/hub';
import type { BatchSampler } from '@tesserae/trainer';
import { setting } from './setting';

/** What the twin saw, or why there is none. */
export type Twin = { readonly losses: readonly number[]; readonly version: string } | { readonly absent: string };

/** Runs the first steps in PyTorch, from the same weights and batches. @throws Error when PyTorch is there and fails */
export async function runTwin<C extends ArchitectureConfig>(
  model: Model<C>,
  sampler: BatchSampler,
  folder: string,
): Promise<Twin> {
  const probe = spawnSync('python3', ['-c', 'import torch'], { encoding: 'utf8' });
  if (probe.status !== 0)
    return { absent: probe.error?.message ?? probe.stderr.trim().split('\n').at(-1) ?? 'no PyTorch' };
  mkdirSync(folder, { recursive: true });
  await savePretrained(model, folder);
  writeFileSync(path.join(folder, 'setting.json'), JSON.stringify(setting));
  const batches = Array.from({ length: setting.twinSteps }, (_, step) => sampler(step));
  const arrays = batches.flatMap(({ inputIds, labels }) => [inputIds, labels]);
  writeFileSync(
    path.join(folder, 'batches.bin'),
    Buffer.concat(arrays.map((ids) => Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength))),
  );
  const script = path.join(process.cwd(), 'test', 'studies', 'shakespeare', 'twin.py');
  const run = spawnSync('python3', [script, folder], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the twin failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as Twin;
}
