import * as tf from '@tensorflow/tfjs-core';
import { createModel, llama, rotaryTable } from '@tesserae/core';
import type { RopeScaling } from '@tesserae/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { positionLimit, scaledFrequencies, scaledRotaryTable } from '../../src/architectures/ropeScaling';
import { use } from '../support/backends';

beforeAll(() => use('cpu'));

const config = (ropeScaling: RopeScaling | null, more: object = {}) => ({
  headDim: 64,
  ropeTheta: 10000,
  maxPositionEmbeddings: 4096,
  ropeScaling,
  ...more,
});
const plain = scaledFrequencies(config(null)).frequencies;
const wavelength = (frequency: number): number => (2 * Math.PI) / frequency;

describe('rotary scaling', () => {
  it('default and linear', () => {
    expect(plain[0]).toBe(1);
    expect(plain[31]).toBeCloseTo(10000 ** (-62 / 64), 10);
    expect(scaledFrequencies(config({ type: 'default' })).frequencies).toEqual(plain);
    expect(scaledFrequencies(config({ type: 'linear', factor: 4 })).frequencies).toEqual(plain.map((f) => f / 4));
  });

  it('llama3: short waves stay, long ones are stretched, between them it is continuous and falling', () => {
    const scaling: RopeScaling = {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositionEmbeddings: 1024,
    };
    const { frequencies, scale } = scaledFrequencies(config(scaling));
    expect(scale).toBe(1);
    let blended = 0;
    plain.forEach((frequency, i) => {
      const wave = wavelength(frequency);
      if (wave < 256) expect(frequencies[i]).toBe(frequency);
      else if (wave > 1024) expect(frequencies[i]).toBe(frequency / 8);
      else {
        const smooth = (1024 / wave - 1) / 3;
        expect(frequencies[i]).toBeCloseTo((1 - smooth) * (frequency / 8) + smooth * frequency, 12);
        blended++;
      }
      if (i > 0) expect(frequencies[i]).toBeLessThan(frequencies[i - 1]);
    });
    expect(blended).toBeGreaterThan(2);
  });

  it('yarn: the ramp between the dimensions of 32 turns and 1 turn, and the attention factor', () => {
    const { frequencies, scale } = scaledFrequencies(
      config({ type: 'yarn', factor: 4, originalMaxPositionEmbeddings: 1024 }),
    );
    // dimension(n turns) = 64 ln(1024 / 2πn) / (2 ln 10000): 5.65 for 32 turns, 17.70 for 1
    const [low, high] = [5, 18];
    frequencies.forEach((frequency, i) => {
      const ramp = Math.min(1, Math.max(0, (i - low) / (high - low)));
      expect(frequency).toBeCloseTo((plain[i] / 4) * ramp + plain[i] * (1 - ramp), 12);
    });
    expect(scale).toBeCloseTo(0.1 * Math.log(4) + 1, 12);
    const base = { type: 'yarn', factor: 4, originalMaxPositionEmbeddings: 1024 } as const;
    const of = (more: object): { frequencies: number[]; scale: number } =>
      scaledFrequencies(config({ ...base, ...more }));
    expect(of({ attentionFactor: 1.5 }).scale).toBe(1.5);
    expect(of({ mscale: 1, mscaleAllDim: 1 }).scale).toBe(1);
    expect(of({ mscale: 2, mscaleAllDim: 1 }).scale).toBeCloseTo((0.2 * Math.log(4) + 1) / (0.1 * Math.log(4) + 1), 12);
    expect(of({ factor: 1 }).scale).toBe(1);
    expect(of({ factor: undefined }).frequencies).toEqual(frequencies); // 4096 / 1024
    expect(of({ truncate: false }).frequencies).not.toEqual(frequencies);
    expect(of({ betaFast: 16, betaSlow: 2 }).frequencies).not.toEqual(frequencies);
  });

  it('dynamic: as plain up to the trained length, then by a base that grows with the length', () => {
    const small = config({ type: 'dynamic', factor: 2 }, { headDim: 8, maxPositionEmbeddings: 8 });
    tf.tidy(() => {
      const close = (a: tf.Tensor, b: tf.Tensor): void => {
        const [x, y] = [a.dataSync(), b.dataSync()];
        expect(x.length).toBe(y.length);
        y.forEach((value, i) => expect(x[i]).toBeCloseTo(value, 5));
      };
      const short = tf.range(0, 8, 1, 'int32');
      close(scaledRotaryTable(short, small).cos, rotaryTable(short, 8).cos);
      const long = tf.range(0, 12, 1, 'int32');
      const theta = 10000 * ((2 * 12) / 8 - 1) ** (8 / 6);
      close(scaledRotaryTable(long, small).sin, rotaryTable(long, 8, { theta }).sin);
    });
    expect(positionLimit(small)).toBe(16);
    const model = createModel(llama, {
      vocabSize: 5,
      hiddenSize: 8,
      intermediateSize: 8,
      numHiddenLayers: 1,
      numAttentionHeads: 2,
      maxPositionEmbeddings: 4,
      ropeScaling: { type: 'dynamic', factor: 2 },
    });
    const run = (time: number): tf.Tensor =>
      llama.forward(model.params, { inputIds: tf.zeros([1, time], 'int32') }, { config: model.config }).logits;
    expect(run(8).shape).toEqual([1, 8, 5]);
    expect(() => run(9)).toThrow(/E_CONTEXT_LENGTH: llama: 9 positions are more than the 8/);
  });

  it('longrope: divisors of their own within the original length and beyond it', () => {
    const shortFactor = Array.from({ length: 32 }, (_, i) => 1 + i / 8);
    const longFactor = shortFactor.map((divisor) => 2 * divisor);
    const scaling: RopeScaling = { type: 'longrope', shortFactor, longFactor, originalMaxPositionEmbeddings: 1024 };
    const scale = Math.sqrt(1 + Math.log(4) / Math.log(1024)); // 4096 positions are four times the original length
    for (const [last, divisors] of [
      [1023, shortFactor],
      [1024, longFactor],
    ] as const) {
      const { cos, sin } = scaledRotaryTable(tf.tensor1d([7, last], 'int32'), config(scaling));
      plain.forEach((frequency, i) => {
        expect(cos.dataSync()[i]).toBeCloseTo(scale * Math.cos((7 * frequency) / divisors[i]), 5);
        expect(sin.dataSync()[i]).toBeCloseTo(scale * Math.sin((7 * frequency) / divisors[i]), 5);
      });
    }
    const { cos } = scaledRotaryTable(tf.zeros([1], 'int32'), config({ ...scaling, attentionFactor: 0.5 }));
    expect(cos.dataSync()[0]).toBe(0.5);
    const small = { vocabSize: 5, hiddenSize: 8, numAttentionHeads: 2 };
    for (const wrong of [{ shortFactor: [1] }, { longFactor: [1, 0] }, { longFactor: undefined }]) {
      const ropeScaling: RopeScaling = { type: 'longrope', shortFactor: [1, 2], longFactor: [2, 4], ...wrong };
      expect(() => llama.configure({ ...small, ropeScaling })).toThrow(
        /E_CONFIG: llama: ropeScaling\.(short|long)Factor is/,
      );
    }
  });

  it('yarn changes the size of cosines, which attention feels', () => {
    const positions = tf.range(0, 3, 1, 'int32');
    const { cos } = scaledRotaryTable(positions, config({ type: 'yarn', factor: 4 }));
    expect(cos.dataSync()[0]).toBeCloseTo(0.1 * Math.log(4) + 1, 6);
  });
});
