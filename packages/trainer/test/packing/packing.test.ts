import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createKey, disposeModel, gpt2, selectBackend, withVirtualTokens } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import {
  completion,
  contrastive,
  createTrainingStep,
  instructionTuning,
  maskedLanguageModeling,
  mixedPrecision,
  mixup,
  packSequences,
  preference,
  questionAnswering,
  rDrop,
  readRows,
  regression,
  rowSource,
  sequenceClassification,
  sequenceToSequence,
  sgd,
  spanCorruption,
  tokenLabeling,
  train,
} from '@tesserae/trainer';
import type { Objective, ObjectiveBatch, ObjectiveSettings, RowSource, TrainOptions } from '@tesserae/trainer';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packedEvents } from '../../src/data/streams/packed-events';
import { openStream } from '../../src/data/streams/batch-stream';
import { textRows } from '../../src/objectives/text-rows';
import { decoder, disposeLearners, encoder, encoderDecoder, letters, settings } from '../objectives/learners';
import { scratchFolder } from '../scratch';

beforeAll(() => selectBackend({ prefer: 'onnx', fallback: false, log: false }));
afterAll(disposeLearners);

const chatTemplate = {
  template:
    "{% for m in messages %}{% if m.role == 'user' %}<u>{{ m.content }}\n{% else %}<a>{{ m.content }}</s>\n{% endif %}{% endfor %}",
  specialTokens: {},
};
const talk = (question: string, answer: string): object => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
});
const labels = ['O', 'B-PER'];
const names = ['Mia', 'Tom', 'Anna'];
const prompts = Array.from({ length: 23 }, (_, i) => ({
  prompt: 'abcdefghij'.slice(0, 1 + (i % 7)),
  completion: 'klmnop'.repeat(3).slice(i % 5, 2 + ((i * 5) % 13)) || 'x',
}));
const texts = Array.from({ length: 23 }, (_, i) => `${names[i % 3]} ${'saw the dog '.repeat(i % 4)}ran home`);

/** What learns from rows that can share one of the batch. */
const learners: readonly {
  name: string;
  make: () => Objective;
  model: () => Model;
  data: readonly (string | object)[];
}[] = [
  { name: 'completion', make: () => completion(), model: () => decoder(), data: prompts },
  {
    name: 'instruction tuning',
    make: () => instructionTuning({ chatTemplate }),
    model: () => decoder(),
    data: prompts.map(({ prompt, completion: answer }) => talk(prompt, answer)),
  },
  {
    name: 'masked language modeling',
    make: () => maskedLanguageModeling({ maskProbability: 0.4 }),
    model: () => encoder('masked-lm'),
    data: texts,
  },
  {
    name: 'token labeling',
    make: () => tokenLabeling({ labels }),
    model: () => encoder('token-classification', 2, { classifierDropout: 0 }),
    data: texts.map((text) => {
      const words = text.split(' ');
      return { words, tags: words.map((word) => (names.includes(word) ? 'B-PER' : 'O')) };
    }),
  },
];

/** Ids and labels of each sequence of a batch, as a text; a row without sequenceIds is one up to its padding. */
function sequencesOf(batch: ObjectiveBatch, rows: number, lists = ['inputIds', 'labels']): string[] {
  const width = batch.inputIds.length / rows;
  const found: string[] = [];
  for (let row = 0; row < rows; row++)
    for (let at = row * width, end = at; at < (row + 1) * width; at = end) {
      const id = batch.sequenceIds![at];
      while (end < (row + 1) * width && batch.sequenceIds![end] === id) end++;
      if (id > 0) found.push(lists.map((name) => batch[name]!.subarray(at, end).join()).join(' | '));
      else expect(batch.labels!.subarray(at, end).every((label) => label === -100)).toBe(true);
    }
  return found;
}

const packed = (rows: number, more: Partial<ObjectiveSettings> = {}): ObjectiveSettings =>
  settings(rows, { packing: { buffer: 1000 }, ...more });
const counts = (list: readonly string[]): Map<string, number> => {
  const found = new Map<string, number>();
  for (const one of list) found.set(one, (found.get(one) ?? 0) + 1);
  return new Map([...found].sort());
};

describe('packSequences', () => {
  it('loses and doubles none, exceeds no row, and leaves no two rows that would fit into one', () => {
    const lengths = fc.integer({ min: 1, max: 40 }).chain((contextLength) =>
      fc.record({
        contextLength: fc.constant(contextLength),
        lengths: fc.array(fc.integer({ min: 1, max: contextLength }), { maxLength: 60 }),
      }),
    );
    fc.assert(
      fc.property(lengths, ({ lengths, contextLength }) => {
        const packs = packSequences(lengths, contextLength);
        expect(packs.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
        const sums = packs.map((pack) => pack.reduce((sum, i) => sum + lengths[i], 0)).sort((a, b) => a - b);
        expect(sums.every((sum) => sum >= 1 && sum <= contextLength)).toBe(true);
        if (sums.length > 1) expect(sums[0] + sums[1]).toBeGreaterThan(contextLength);
        expect(packSequences(lengths, contextLength)).toEqual(packs);
      }),
    );
  });
  it('refuses a length that fits no row', () => {
    expect(() => packSequences([3, 9], 8)).toThrow(
      '[trainer/packSequences] E_OPTION: sequence 1 has 9 tokens, and a row 8; cut sequences to whole numbers',
    );
    expect(() => packSequences([0], 8)).toThrow('E_OPTION');
    expect(() => packSequences([1.5], 8)).toThrow('E_OPTION');
    expect(() => packSequences([1], 0)).toThrow('E_OPTION');
  });
});

describe.each(learners)('packed rows of $name', ({ make, model, data }) => {
  it('hold each row of the data once an epoch, in batches that follow from seed and step alone', async () => {
    const prepare = (more = {}) => make().prepare(model(), data, packed(2, { packing: { buffer: 7 }, ...more }));
    const one = await prepare();
    const two = await prepare();
    const late = two.sampler(40);
    const steps = Array.from({ length: 41 }, (_, step) => one.sampler(step));
    expect(late).toEqual(steps[40]);
    expect(two.sampler(3)).toEqual(steps[3]);
    expect((await prepare({ seed: 9 })).sampler(0)).not.toEqual(steps[0]);
    expect(one.contextLength).toBe(model().config.maxPositionEmbeddings);
    // What is hidden is drawn anew, so that of masked rows only the number of tokens tells.
    const hidden = make().name === 'masked-language-modeling';
    const keyOf = (sequence: string): string => (hidden ? String(sequence.split(',').length) : sequence);
    const lengths = packable(one);
    const all = steps.flatMap((batch) => sequencesOf(batch, 2).map(keyOf));
    const epochs = Math.floor(all.length / data.length);
    expect(epochs).toBeGreaterThanOrEqual(3);
    const first = counts(all.slice(0, data.length));
    for (let epoch = 1; epoch < epochs; epoch++)
      expect(counts(all.slice(epoch * data.length, (epoch + 1) * data.length))).toEqual(first);
    const tokens = all.slice(0, data.length).map((one) => one.split(' | ')[0].split(',').length);
    if (!hidden) expect(tokens.sort((a, b) => a - b)).toEqual(lengths);
  });

  it.each(['cpu', 'onnx'] as const)('give on %s the loss that they give alone', async (backend) => {
    await selectBackend({ prefer: backend, fallback: false, log: false });
    const learner = model();
    const alone = await make().prepare(learner, data, settings(data.length));
    const together = await make().prepare(learner, data, packed(1));
    const { batchOf, sequences } = together.packable!;
    const key = createKey(7);
    const packs = packSequences(
      sequences.map(({ length }) => length),
      together.contextLength,
    ).map((pack) => pack.map((i) => sequences[i]));
    const batch = batchOf(packs, key);
    expect(packs.length).toBeLessThan(data.length);
    // The same rows one by one, drawn with the same keys, in rows of the longest.
    const width = alone.contextLength;
    const pad = model().config.padTokenId ?? 0;
    const plain = {
      inputIds: new Int32Array(data.length * width).fill(pad),
      labels: new Int32Array(data.length * width).fill(-100),
      ...(alone.sampler(0).attentionMask && { attentionMask: new Int32Array(data.length * width) }),
    };
    sequencesOf(batch, packs.length).forEach((sequence, row) => {
      const [ids, wanted] = sequence.split(' | ').map((list) => list.split(',').map(Number));
      plain.inputIds.set(ids, row * width);
      plain.labels.set(wanted, row * width);
      plain.attentionMask?.fill(1, row * width, row * width + ids.length);
    });
    const loss = async (one: ObjectiveBatch, contextLength: number): Promise<{ loss: number; labels: number }> => {
      const objective = make();
      const step = createTrainingStep(learner, {
        optimizer: sgd(),
        batchSize: one.inputIds.length / contextLength,
        contextLength,
        objective,
        key,
      });
      const found = await step.evaluate(one);
      step.dispose();
      return found;
    };
    const apart = await loss(plain, width);
    const inPacks = await loss(batch, together.contextLength);
    expect(inPacks.labels).toBe(apart.labels);
    expect(Math.abs(inPacks.loss / apart.loss - 1)).toBeLessThan(1e-5);
    const { sequenceIds: _ids, ...mixed } = batch;
    expect(
      Math.abs((await loss(mixed as ObjectiveBatch, together.contextLength)).loss / apart.loss - 1),
    ).toBeGreaterThan(1e-4);
  });

  it('are evaluated all, the last batch filled up with padding', async () => {
    const half = { evaluationRows: 2, evaluationBatches: 9, validationFraction: 0.5 };
    const { evaluationBatches } = await make().prepare(model(), data, packed(2, half));
    expect(new Set(evaluationBatches.map(({ inputIds }) => inputIds.length)).size).toBe(1);
    expect(evaluationBatches.flatMap((batch) => sequencesOf(batch, 2))).toHaveLength(Math.round(data.length / 2));
  });
});

const packable = (prepared: Awaited<ReturnType<Objective['prepare']>>): number[] =>
  prepared.packable!.sequences.map(({ length }) => length).sort((a, b) => a - b);

/** Losses of a run, and of one that is stopped twice and resumed. */
async function bothWays(model: Model, options: Omit<TrainOptions, 'steps'>, steps = 24): Promise<void> {
  const before = tf.memory().numTensors;
  const fills: (number | undefined)[][] = [];
  const run = async (more: Partial<TrainOptions>): Promise<number[]> => {
    const result = await train(model, {
      steps,
      batchSize: 2,
      packing: true,
      progress: false,
      seed: 5,
      ...options,
      ...more,
    });
    disposeModel(result.model);
    fills.push(result.history.steps.map(({ fill }) => fill));
    return result.history.steps.map(({ loss }) => loss);
  };
  const whole = await run({});
  const checkpoint = { folder: path.join(scratchFolder(), 'run'), every: 5, keep: 9 };
  let resumed: number[] = [];
  for (const stop of [7, 16, undefined]) {
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }): void => void (step === stop && controller.abort());
    const how = { checkpoint, resume: true, signal: controller.signal, whenAborted: 'return' as const };
    resumed = await run({ ...how, callbacks: { onStep } });
  }
  expect(whole).toHaveLength(steps);
  expect(resumed).toEqual(whole);
  expect(await run({ resume: path.join(checkpoint.folder, 'step-000010') })).toEqual(whole);
  expect(fills.at(-1)).toEqual(fills[0]);
  expect(fills[0].every((fill) => fill! > 0 && fill! <= 1)).toBe(true);
  expect(tf.memory().numTensors).toBe(before);
}

describe('training with packed rows', () => {
  const writer = (): Model => decoder({ residualDropout: 0.1, attentionDropout: 0.1 });
  const textData = prompts.map(({ prompt, completion: answer }) => ({ text: prompt + answer }));
  const longTexts = [...textData, { text: 'abcdefgh'.repeat(14) }, { text: 'z' }];

  it('resumes in the middle of an epoch bit for bit: a list, rows of a file, texts of either', async () => {
    const file = path.join(scratchFolder(), 'rows.jsonl');
    writeFileSync(file, prompts.map((row) => JSON.stringify(row)).join('\n'));
    const source = (): RowSource<unknown> => readRows(file).shuffle({ buffer: 8, seed: 2 });
    await bothWays(writer(), { data: prompts, objective: completion(), evaluateEvery: 8 });
    await bothWays(writer(), { data: source(), objective: completion(), packing: { buffer: 9 }, evaluateEvery: 8 });
    await bothWays(writer(), { data: longTexts, evaluateEvery: 8 });
    await bothWays(writer(), {
      data: rowSource(longTexts).shuffle({ buffer: 5 }),
      packing: { buffer: 6 },
      microBatchSize: 1,
      evaluateEvery: 8,
    });
    const masked = maskedLanguageModeling();
    await bothWays(encoder('masked-lm', 2, { hiddenDropout: 0.1 }), {
      data: texts,
      objective: masked,
      microBatchSize: 1,
    });
  });

  it('cuts texts that are longer than a row, and loses no token of them', async () => {
    const { prepare } = textRows({
      tokenizer: letters,
      column: 'text',
      endId: letters.tokenToId('</s>'),
      contextLength: 20,
    });
    const { sampler } = await prepare(writer(), longTexts, packed(1));
    const { packable: found } = await prepare(writer(), longTexts, packed(1));
    const batch = found!.batchOf(
      [...found!.sequences].map((one) => [one]),
      createKey(0),
    );
    const labelsOf = sequencesOf(batch, found!.sequences.length, ['labels']);
    const said = labelsOf.flatMap((list) => list.split(',').map(Number));
    const wanted = longTexts.reduce((sum, { text }) => sum + text.length, 0); // each letter but the first, and the end
    expect(said).toHaveLength(wanted);
    expect(said).not.toContain(-100);
    expect(Math.max(...found!.sequences.map(({ length }) => length))).toBe(20);
    expect(sampler(0).inputIds).toHaveLength(20);
  });

  it('learns as much from a packed batch as from the same rows alone', async () => {
    const model = decoder();
    const options = { objective: completion(), steps: 3, optimizer: sgd(), progress: false, gradientClipNorm: null };
    const whole = { data: prompts, batchSize: prompts.length };
    const apart = await train(model, { ...options, ...whole });
    const sizes = (await completion().prepare(model, prompts, packed(1))).packable!.sequences.map(
      ({ length }) => length,
    );
    const rows = packSequences(sizes, 48).length;
    const together = await train(model, { ...options, ...whole, batchSize: rows, packing: true });
    apart.history.steps.forEach(({ loss, gradientNorm }, i) => {
      expect(Math.abs(together.history.steps[i].loss / loss - 1)).toBeLessThan(1e-5);
      expect(Math.abs(together.history.steps[i].gradientNorm / gradientNorm - 1)).toBeLessThan(1e-4);
    });
    expect(apart.history.steps[0].fill).toBeUndefined();
    const tokens = sizes.reduce((sum, length) => sum + length, 0);
    expect(together.history.steps[0].fill).toBeCloseTo(tokens / (rows * 48), 10);
    [apart, together].forEach((result) => disposeModel(result.model));
  });
});

describe('a row of padding alone', () => {
  it.each(['float32', 'float16'] as const)(
    'changes neither loss nor gradients in %s, in a micro-batch of its own',
    async (products) => {
      const learner = decoder();
      const { packable: found } = await completion().prepare(learner, prompts, packed(1));
      const { sequences, batchOf } = found!;
      const packs = [sequences.slice(0, 3), sequences.slice(3, 5)];
      const measure = async (given: (typeof packs)[number][]): Promise<number[]> => {
        const step = createTrainingStep(learner, {
          optimizer: sgd(),
          batchSize: given.length,
          microBatchSize: 1,
          contextLength: 48,
          objective: completion(),
          key: createKey(1),
          ...(products === 'float16' && { precision: mixedPrecision({ products }) }),
        });
        const { loss, gradientNorm } = await step.run(batchOf(given, createKey(0)), 0.1, 1);
        step.dispose();
        return [loss, gradientNorm];
      };
      const [plain, padded] = [await measure(packs), await measure([...packs, []])];
      expect(plain.every((value) => value > 0)).toBe(true);
      padded.forEach((value, i) => expect(Math.abs(value / plain[i] - 1)).toBeLessThan(1e-5));
    },
  );
});

describe('a stream of packs', () => {
  it('loses and doubles no row, whatever the buffer, and goes on from any snapshot', async () => {
    const learner = decoder();
    const cases = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 19 }), { minLength: 1, maxLength: 25 }),
      buffer: fc.integer({ min: 2, max: 12 }),
      rows: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ sizes, buffer, rows }) => {
        // Each row has letters of its own, so that it can be told from the others.
        const data = sizes.map((size, i) => ({ text: 'ab'[i % 2] + letterOf(i).repeat(size) }));
        const batches = {
          objective: textRows({ tokenizer: letters, column: 'text', endId: undefined, contextLength: 20 }),
          model: learner,
          settings: packed(rows, { contextLength: 20, packing: { buffer } }),
        };
        const events = (): ReturnType<typeof packedEvents> => packedEvents(rowSource(data), batches);
        const given: string[] = [];
        let snapshots = 0;
        for await (const event of events()(undefined)) {
          if ('batch' in event) {
            expect(event.batch.inputIds).toHaveLength(rows * 20);
            given.push(...sequencesOf(event.batch, rows, ['inputIds']));
            continue;
          }
          const {
            rows: at,
            read,
            waiting,
          } = event.snapshot as unknown as {
            rows: { epoch: number; rows: number };
            read: number;
            waiting: number[];
          };
          expect(given.length + waiting.length).toBe(at.epoch * data.length + at.rows + read);
          const wanted = Array.from({ length: given.length + waiting.length }, (_, i) =>
            idsOf(data[i % data.length].text),
          );
          const expected = counts(wanted);
          for (const [ids, count] of counts(given)) expect(count).toBeLessThanOrEqual(expected.get(ids) ?? 0);
          if (++snapshots === 4) break;
        }
        const whole = openStream(events(), undefined, 2);
        const parts: ObjectiveBatch[] = [];
        const states = [];
        for (let i = 0; i < 40; i++) {
          parts.push(await whole.next());
          states.push(whole.state());
        }
        await whole.close();
        for (const at of [0, 9, 22]) {
          const again = openStream(events(), JSON.parse(JSON.stringify(states[at])), 2);
          for (let i = at + 1; i < at + 12; i++) expect(await again.next()).toEqual(parts[i]);
          await again.close();
        }
      }),
      { numRuns: 25 },
    );
  });
  const letterOf = (i: number): string => 'cdefghijklmnopqrstuvwxyz'[i % 24];
  const idsOf = (text: string): string => Array.from(letters.encode(text)).slice(0, -1).join();

  it('refuses a state of another buffer', async () => {
    const make = (buffer: number) =>
      packedEvents(rowSource(prompts), {
        objective: completion(),
        model: decoder(),
        settings: packed(2, { packing: { buffer } }),
      });
    const state = { kind: 'packs', rows: { kind: 'endless', epoch: 0, rows: 0, upstream: { kind: 'list', row: 0 } } };
    const next = (more: object) => make(9)({ ...state, ...more } as never).next();
    await expect(next({ read: 10, waiting: [1], group: 1 })).rejects.toThrow('E_DATA_STATE');
    await expect(next({ read: 9, waiting: [9], group: 1 })).rejects.toThrow('E_DATA_STATE');
    await expect(next({ read: 9, waiting: ['a'], group: 1 })).rejects.toThrow('E_DATA_STATE');
    await expect(next({ read: 9, waiting: [8], group: 1 })).resolves.toBeDefined();
  });
});

describe('what cannot be packed', () => {
  const run = (model: Model, options: Partial<TrainOptions>): Promise<unknown> =>
    train(model, { data: texts, steps: 1, packing: true, progress: false, ...options });
  const classifier = (): Model => encoder('sequence-classification');

  it.each<[string, () => Objective, string]>([
    ['sequence-classification', () => sequenceClassification(), 'its head reads one vector of a row'],
    ['regression', () => regression(), 'its head reads one vector of a row'],
    ['contrastive', () => contrastive(), 'it compares one vector of each row with those of others'],
    ['preference', () => preference(), 'it scores whole answers, one a row'],
    [
      'question-answering',
      () => questionAnswering(),
      'start and end of an answer are chosen among all tokens of a row',
    ],
    ['sequence-to-sequence', () => sequenceToSequence(), 'an encoder-decoder takes one sequence a row'],
    ['span-corruption', () => spanCorruption(), 'an encoder-decoder takes one sequence a row'],
    ['mixup sequence-classification', () => mixup(sequenceClassification()), 'it mixes rows with rows'],
    ['r-drop sequence-classification', () => rDrop(sequenceClassification()), 'its head reads one vector of a row'],
  ])('%s says why', async (name, make, why) => {
    await expect(run(classifier(), { objective: make() })).rejects.toThrow(
      `[trainer/${name}] E_PACKING: ${why}; leave packing out, or use bucketing against padding`,
    );
  });

  it('an objective that says nothing, a model that does not know how, other options and data', async () => {
    const { packs: _packs, ...silent } = completion();
    await expect(run(decoder(), { objective: silent as Objective })).rejects.toThrow(
      'E_PACKING: it does not say that rows of its data can share one of the batch',
    );
    const partial = { ...completion(), prepare: () => ({ contextLength: 4 }) } as unknown as Objective;
    await expect(run(decoder(), { objective: partial, data: rowSource(prompts) })).rejects.toThrow(
      'E_PACKING: its prepare gives no packable rows',
    );
    await expect(run(encoderDecoder(), {})).rejects.toThrow(
      'E_PACKING: t5: an encoder-decoder takes one sequence a row',
    );
    const prompted = { ...decoder(), architecture: withVirtualTokens(gpt2, 2) } as unknown as Model;
    await expect(run(prompted, {})).rejects.toThrow('E_PACKING: gpt2: its virtual tokens stand before a row');
    const plain = { ...decoder(), architecture: { ...decoder().architecture, packs: undefined } } as Model;
    await expect(run(plain, {})).rejects.toThrow('E_PACKING: gpt2: it does not know sequenceIds');
    await expect(run(decoder(), { bucketing: true, objective: completion(), data: prompts })).rejects.toThrow(
      'E_OPTION',
    );
    await expect(run(decoder(), { data: 'a text of its own' })).rejects.toThrow(
      'E_OPTION: packing is given, but windows of one text leave nothing to fill',
    );
    await expect(run(decoder(), { data: [1, 2, 3] })).rejects.toThrow('E_OPTION');
    await expect(run(decoder(), { data: ['a', 'b'] })).resolves.toBeDefined();
    await expect(run(decoder(), { data: ['', ''] })).rejects.toThrow('E_EMPTY_TEXT');
    await expect(run(decoder(), { data: [{ body: 'a' }, { body: 'b' }] })).rejects.toThrow('E_ROW_TEXT');
    for (const packing of [3, 'yes', { buffer: 1 }, { buffer: 2.5 }])
      await expect(run(decoder(), { packing: packing as never })).rejects.toThrow('E_OPTION');
    await expect(run(decoder(), { packing: { bufer: 9 } as never })).rejects.toThrow('E_UNKNOWN_OPTION');
  });
});
