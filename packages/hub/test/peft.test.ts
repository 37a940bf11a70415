import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {
  disposeAdapter,
  disposeModel,
  flattenParams,
  isWeightForm,
  mapParams,
  mergeAdapter,
  readSafetensors,
  registerGradients,
  removeAdapter,
  unmergeAdapter,
  weightOperations,
} from '@tesserae/core';
import type { Model, Params } from '@tesserae/core';
import { loadAdapter, loadPretrained, saveAdapter } from '@tesserae/hub';
import { beforeAll, describe, expect, it } from 'vitest';
import { golden, temporaryFolder } from './models';

beforeAll(async () => {
  await tf.setBackend('cpu');
  registerGradients();
});

const root = golden('peft');
const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('base-'))
  .map(({ name }) => name);

/** The ids that the cases were made with: generate.py beside them. */
const ids = [3, 17, 5, 9, 30, 2, 8, 1, 22, 6, 0, 0];
const mask = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0];

function forward(model: Model, params: Params = model.params): tf.Tensor {
  const inputs = {
    inputIds: tf.tensor2d(ids, [2, 6], 'int32'),
    attentionMask: tf.tensor2d(mask, [2, 6], 'int32'),
    ...(model.architecture.encode && { decoderInputIds: tf.tensor2d([0, 4, 11, 0, 7, 25], [2, 3], 'int32') }),
  };
  return model.architecture.forward(params, inputs, { config: model.config }).logits;
}

/** Compares what stands at real tokens; returns nothing. */
function expectClose(found: tf.Tensor, wanted: { data: unknown; shape: readonly number[] }, digits = 4): void {
  expect(found.shape).toEqual(wanted.shape);
  const values = found.dataSync();
  const perToken = found.shape.length === 3 && found.shape[1] === 6 ? found.shape[2]! : 0;
  let compared = 0;
  (wanted.data as Float32Array).forEach((value, i) => {
    if (perToken > 0 && mask[Math.floor(i / perToken)] === 0) return;
    expect(values[i], `[${i}]`).toBeCloseTo(value, digits);
    compared++;
  });
  expect(compared).toBeGreaterThan(0);
}

/** Gradients of what the adapter learns, for the loss of generate.py. */
function gradients(model: Model): Map<string, tf.Tensor> {
  const learned: [string, tf.Tensor][] = [];
  for (const [at, weight] of flattenParams(model.params)) {
    const inside: [string, tf.Tensor][] = isWeightForm(weight)
      ? Object.entries(weightOperations(weight).tensors(weight)).map(([name, tensor]) => [`${at}#${name}`, tensor])
      : [[at, weight]];
    learned.push(...inside.filter(([name]) => model.trainable!(name)));
  }
  const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
    const now = new Map(learned.map(([name], i) => [name, tensors[i]]));
    const params = mapParams(model.params, (weight, at) => {
      if (!isWeightForm(weight)) return now.get(at) ?? weight;
      const { tensors: all, withTensors } = weightOperations(weight);
      const entries = Object.entries(all(weight)).map(
        ([name, own]) => [name, now.get(`${at}#${name}`) ?? own] as const,
      );
      return withTensors(weight, Object.fromEntries(entries));
    });
    const logits = forward(model, params);
    const each = tf.reshape(tf.sin(tf.range(0, logits.size)), logits.shape);
    const counts = logits.shape.length === 3 && logits.shape[1] === 6;
    return tf.sum(tf.mul(logits, counts ? tf.mul(each, tf.tensor3d(mask, [2, 6, 1])) : each));
  };
  const found = tf.grads(loss)(learned.map(([, tensor]) => tensor));
  return new Map(learned.map(([name], i) => [name, found[i]]));
}

describe.each(cases)('%s of PEFT', (name) => {
  const folder = path.join(root, name);
  const setUp = async (): Promise<{
    base: Model;
    model: Model;
    expected: Awaited<ReturnType<typeof readSafetensors>>['tensors'];
  }> => {
    const base = await loadPretrained(path.join(root, `base-${/^[^-]+/.exec(name)![0]}`));
    const { tensors: expected } = await readSafetensors(path.join(folder, 'expected.safetensors'));
    return { base, model: await loadAdapter(base, folder), expected };
  };

  it('gives what PEFT gives, and the base what it gave before', async () => {
    const { base, model, expected } = await setUp();
    expectClose(forward(model), expected.get('logits')!);
    expectClose(forward(base), expected.get('base')!);
    expect(removeAdapter(model)).toBe(base);
    disposeAdapter(model);
    disposeModel(base);
  });

  it('has the gradients of PEFT', async () => {
    const { model, expected } = await setUp();
    const found = gradients(model);
    const wanted = [...expected].filter(([key]) => key.startsWith('gradient.'));
    const all = [...found.values()].map((tensor) => [tensor.size, tensor.dataSync()] as const);
    expect(found.size).toBe(wanted.length);
    for (const [key, { data }] of wanted) {
      const values = data as Float32Array;
      const scale = Math.max(1, ...values.map(Math.abs));
      const match = all.some(
        ([size, own]) => size === values.length && values.every((value, i) => Math.abs(value - own[i]) < 2e-4 * scale),
      );
      expect(match, key).toBe(true);
    }
  });

  it('goes out as it came in', async () => {
    const { base, model } = await setUp();
    const copy = temporaryFolder();
    await saveAdapter(model, copy);
    const [before, after] = [folder, copy].map((one) => readFileSync(path.join(one, 'adapter_config.json'), 'utf8'));
    expect(after).toBe(before);
    const [given, written] = await Promise.all(
      [folder, copy].map((one) => readSafetensors(path.join(one, 'adapter_model.safetensors'))),
    );
    const kept = [...given.tensors].filter(([key]) => !/base_layer\.weight$|modules_to_save|original_module/.test(key));
    expect([...written.tensors.keys()].sort()).toEqual(kept.map(([key]) => key).sort());
    for (const [key, { data, shape }] of kept) {
      expect(written.tensors.get(key)!.shape).toEqual(shape);
      expect(written.tensors.get(key)!.data).toEqual(data);
    }
    const again = await loadAdapter(base, copy);
    expect(Array.from(forward(again).dataSync())).toEqual(Array.from(forward(model).dataSync()));
  });

  it('merges to the same numbers and comes apart again', async () => {
    const { base, model, expected } = await setUp();
    if (name.includes('prompt') || /^(gpt2-lora-embeddings|gemma-lora-embedding)$/.test(name)) {
      expect(() => mergeAdapter(model)).toThrow(/E_ADAPTER/);
      return;
    }
    const merged = mergeAdapter(model);
    expect(merged.adapter).toBeUndefined();
    expectClose(forward(merged), expected.get('merged')!);
    const difference = tf.max(tf.abs(tf.sub(forward(merged), forward(model)))).dataSync()[0];
    expect(difference).toBeLessThan(1e-4);
    const apart = unmergeAdapter(merged, model);
    const original = new Map(flattenParams(base.params));
    for (const [at, weight] of flattenParams(removeAdapter(apart).params)) {
      const error = tf.max(tf.abs(tf.sub(weight as tf.Tensor, original.get(at) as tf.Tensor))).dataSync()[0];
      expect(error, at).toBeLessThan(1e-5);
    }
    expectClose(forward(apart), expected.get('logits')!);
  });
});
