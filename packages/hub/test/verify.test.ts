import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors, writeSafetensors } from '@tesserae/core';
import { verifyCheckpoint } from '@tesserae/hub';
import { beforeAll, describe, expect, it } from 'vitest';
import { compare, compareTokens, tolerances } from '../src/verify/report';
import { failure, golden, temporaryFolder } from './models';

beforeAll(() => tf.setBackend('cpu'));

type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- a fixture to be broken

/** Llama's fixture without its slow parts, and with changes. */
function fixture(change: (golden: Json) => void): string {
  const folder = temporaryFolder();
  cpSync(golden('llama'), folder, { recursive: true });
  const file = path.join(folder, 'golden.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as Json;
  json.generate.runs = {};
  delete json.adamw_training;
  change(json);
  writeFileSync(file, JSON.stringify(json));
  return folder;
}

describe('verifyCheckpoint', () => {
  it('names what it does not know', async () => {
    const folder = fixture((json) => {
      json.outputs.pooler_output = { tensor: 'out.logits', shape: [1] };
      json.outputs['attentions.7'] = { tensor: 'out.logits', shape: [1] };
      json.grads['model.rotary'] = 'grad.x';
      json.grad_stats['model.rotary'] = { l2: 0, sum: 0, max_abs: 0 };
      json.aux_loss = 1;
      json.inputs.forward_kwargs = { output_router_logits: true };
      json.inputs.ints.token_type_ids = json.inputs.ints.labels;
      json.generate.runs.sampled = { kwargs: { do_sample: true }, sequences: [], new_tokens: [] };
    });
    const report = await verifyCheckpoint(folder);
    expect(report.ok).toBe(true);
    expect([...report.notDone].sort()).toEqual(
      [
        'aux_loss',
        'generate.sampled (do_sample)',
        'grad_stats.model.rotary',
        'grads.model.rotary',
        'inputs.forward_kwargs.output_router_logits',
        'inputs.token_type_ids',
        'outputs.attentions.7',
        'outputs.pooler_output',
      ].sort(),
    );
    expect((await verifyCheckpoint(folder, { strict: true })).ok).toBe(false);
  });

  it('sees a single weight that is off', async () => {
    const folder = fixture(() => undefined);
    const file = path.join(folder, 'model.safetensors');
    const { tensors } = await readSafetensors(file);
    (tensors.get('model.layers.1.self_attn.v_proj.weight')!.data as Float32Array)[5] += 0.05;
    await writeSafetensors(file, tensors.values());
    const report = await verifyCheckpoint(folder);
    const wrong = report.rows.filter(({ ok }) => !ok).map(({ what }) => what);
    expect(report.ok).toBe(false);
    expect(wrong).toContain('outputs.logits');
    expect(wrong).toContain('grads.model.embed_tokens.weight');
    expect(wrong).not.toContain('outputs.hidden_states.1'); // the layer before is untouched
  });

  it('compares wrong lengths, tokens and values that are no numbers as different', () => {
    expect(compare('x', [1, 2], [1, 2, 3], tolerances.output)).toMatchObject({ ok: false, difference: Infinity });
    expect(compare('x', [NaN, 2], [1, 2], tolerances.output)).toMatchObject({ ok: false, difference: NaN });
    expect(compare('x', [1, NaN], [1, 2], tolerances.output, (i) => i === 0)).toMatchObject({
      ok: true,
      difference: 0,
    });
    expect(compare('x', [20.00015], [20], tolerances.output).ok).toBe(true);
    expect(compare('x', [2.00015], [2], tolerances.output).ok).toBe(false);
    // the row reports the place where the difference is worst beside its own tolerance
    expect(compare('x', [20.00018, 2.00012], [20, 2], tolerances.output)).toMatchObject({ ok: false, tolerance: 1e-4 });
    expect(compareTokens('x', [[1, 2]], [[1, 2, 3]])).toMatchObject({ ok: false, difference: 1 });
    expect(compareTokens('x', [], [[1]])).toMatchObject({ ok: false });
  });

  it.each<[string, (golden: Json) => void]>([
    ['no inputs', (json) => void delete json.inputs],
    ['no ids', (json) => void delete json.inputs.ints.input_ids],
    ['ragged ids', (json) => void json.inputs.ints.input_ids[0].pop()],
    ['a mask of another size', (json) => void (json.inputs.ints.attention_mask = [[1]])],
    ['a tensor that is not there', (json) => void (json.outputs.logits.tensor = 'absent')],
  ])('refuses a golden.json with %s', async (_, change) => {
    expect((await failure(verifyCheckpoint(fixture(change)))).code).toBe('E_GOLDEN');
  });

  it('refuses unknown options, and a folder without golden.json', async () => {
    expect((await failure(verifyCheckpoint(golden('gpt2'), { fast: true } as object))).code).toBe('E_UNKNOWN_OPTION');
    expect((await failure(verifyCheckpoint(temporaryFolder()))).code).toBe('E_NOT_FOUND');
  });
});
