import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { disposeAdapter, disposeModel } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import { loadAdapter, loadPretrained } from '@tesserae/hub';
import { beforeAll, describe, expect, it } from 'vitest';
import { command, storyRuns } from './run-command';

const { place, words } = storyRuns();
const jsonOf = (...parts: string[]): Record<string, unknown> =>
  JSON.parse(readFileSync(place(...parts), 'utf8')) as Record<string, unknown>;

describe('train --lora', () => {
  let base: string;
  beforeAll(async () => {
    const { code, notes } = await command(words('base', 4, '--form', 'llama'));
    expect(code, notes).toBe(0);
    base = place('base', 'model');
  });
  /** The scores of the next token after a few. */
  const scoresOf = (model: Model): number[] =>
    tf.tidy(() => {
      const inputIds = tf.tensor2d([[5, 6, 7, 8]], [1, 4], 'int32');
      return Array.from(
        model.architecture.forward(model.params, { inputIds }, { config: model.config }).logits.dataSync(),
      );
    });

  it('learns an adapter of a model that stays as it is, and saves it as PEFT does', async () => {
    const weights = readFileSync(path.join(base, 'model.safetensors'));
    const held = tf.memory().numTensors;
    const wanted = ['--lora', '2', '--lora-alpha', '4', '--lora-targets', 'query,down', '--learning-rate', '0.01'];
    const { code, out, notes } = await command(words('adapted', 8, '--from', base, ...wanted));
    expect(code, notes).toBe(0);
    expect(tf.memory().numTensors).toBe(held);
    expect(notes).toMatch(/^192 numbers learn: 1\.57 % of all$/m); // 2 · (16 + 16) of the query, 2 · (48 + 16) of down
    expect(JSON.parse(out)).toMatchObject({ adapter: place('adapted', 'adapter'), steps: 8 });
    expect(readFileSync(path.join(base, 'model.safetensors')).equals(weights)).toBe(true);
    const settings = { base_model_name_or_path: base, r: 2, lora_alpha: 4, use_rslora: false, use_dora: false };
    expect(jsonOf('adapted', 'adapter', 'adapter_config.json')).toMatchObject(settings);
    const known = await loadPretrained(base);
    const loaded = await loadAdapter(known, place('adapted', 'adapter'));
    expect(scoresOf(loaded)).not.toEqual(scoresOf(known));
    disposeAdapter(loaded);
    disposeModel(known);
  });

  it('learns by the method that is named', async () => {
    for (const [method, setting] of [
      ['rslora', { use_rslora: true, use_dora: false }],
      ['dora', { use_rslora: false, use_dora: true }],
    ] as const) {
      const more = ['--lora', '2', '--lora-method', method, '--lora-targets', 'all-linear', '--lora-dropout', '0.1'];
      const { code, notes } = await command(words(method, 2, '--from', base, ...more));
      expect(code, notes).toBe(0);
      const found = jsonOf(method, 'adapter', 'adapter_config.json');
      expect(found).toMatchObject({ ...setting, lora_dropout: 0.1 });
      expect(found['target_modules']).toHaveLength(7);
    }
  });

  it('goes on with --resume to the same adapter; each checkpoint holds it as PEFT does', async () => {
    const more = ['--from', base, '--lora', '2', '--seed', '4', '--schedule', 'constant'];
    await command(words('whole', 8, ...more));
    expect((await command(words('stopped', 4, ...more))).code).toBe(0);
    const [checkpoint] = readdirSync(place('stopped', 'checkpoints')).filter((name) => name.startsWith('step-'));
    expect(jsonOf('stopped', 'checkpoints', checkpoint, 'adapter_config.json')).toMatchObject({ r: 2 });
    expect((await command(words('stopped', 8, ...more, '--resume'))).code).toBe(0);
    const adapter = (name: string): Buffer => readFileSync(place(name, 'adapter', 'adapter_model.safetensors'));
    expect(adapter('stopped').equals(adapter('whole'))).toBe(true);
  });

  it.each([
    [['--lora', '4'], /E_OPTION: --lora is given without --from.*--from MODEL/],
    [['--from', 'BASE', '--lora-alpha', '8'], /E_OPTION: --lora-alpha is given without --lora.*--lora 8/],
    [['--from', 'BASE', '--lora-targets', 'query'], /E_OPTION: --lora-targets is given without --lora/],
    [
      ['--from', 'BASE', '--lora', '2', '--lora-method', 'dara'],
      /E_OPTION: there is no way 'dara'.*lora, rslora, dora/,
    ],
    [['--from', 'BASE', '--lora', '2', '--lora-targets', 'quary'], /E_ADAPTER_TARGET: .*quary; did you mean 'query'/],
    [['--from', 'BASE', '--lora', '2', '--lora-alpha', '0'], /trainer\/lora\] E_OPTION: the option 'alpha'/],
    [['--from', 'BASE', '--lora', '2', '--lora-dropout', '1'], /trainer\/lora\] E_OPTION: the option 'dropout'/],
  ])('refuses %j', async (more, message) => {
    const held = tf.memory().numTensors;
    const { code, notes } = await command(words('refused', 2, ...more.map((word) => (word === 'BASE' ? base : word))));
    expect(code).toBe(1);
    expect(notes).toMatch(message);
    expect(tf.memory().numTensors).toBe(held);
  });
});

describe('train --precision and --recompute', () => {
  const lossOf = async (name: string, ...more: string[]): Promise<number> => {
    const { code, out, notes } = await command(words(name, 4, '--overwrite', ...more));
    expect(code, notes).toBe(0);
    return (JSON.parse(out) as { loss: number }).loss;
  };

  it('trains in each type, near float32 and not the same', async () => {
    const losses = [await lossOf('float32', '--precision', 'float32')];
    expect(await lossOf('plain')).toBe(losses[0]);
    for (const type of ['float16', 'bfloat16', 'float8']) losses.push(await lossOf(type, '--precision', type));
    expect(new Set(losses).size).toBe(4);
    for (const loss of losses) expect(Math.abs(loss - losses[0])).toBeLessThan(0.1);
  });

  it('runs layers again to the same losses', async () => {
    const kept = await lossOf('kept');
    for (const parts of [[], ['blocks'], ['attention,feedForward']])
      expect(await lossOf('again', '--recompute', ...parts)).toBeCloseTo(kept, 5);
  });

  it.each([
    [['--precision', 'float9'], /E_OPTION.*float9.*float32, float16, bfloat16, float8/],
    [['--recompute', 'everything'], /E_OPTION.*recompute.*blocks/],
  ])('refuses %j', async (more, message) => {
    const { code, notes } = await command(words('none', 2, ...more));
    expect(code).toBe(1);
    expect(notes).toMatch(message);
  });
});
