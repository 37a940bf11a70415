import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors, selectBackend } from '@tesserae/core';
import { adamw, listCheckpoints, sgd } from '@tesserae/trainer';
import type { CheckpointRecord, TrainingWarning, TrainOptions } from '@tesserae/trainer';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { scratchFolder } from '../scratch';
import { mountSmallDisk } from '../../../../test/support/small-disk';
import { tinyIds } from '../tiny-model';
import { tinyRuns } from '../tiny-run';
import type { TinyOutcome } from '../tiny-run';

let folder: string;
beforeAll(async () => {
  await selectBackend({ prefer: 'cpu', fallback: false, log: false });
});
beforeEach(() => {
  folder = path.join(scratchFolder(), 'run');
});

const run = tinyRuns({ steps: 20, evaluateEvery: 5 });

/** Runs until a step, where the signal comes. */
async function interrupted(after: number, options: Partial<TrainOptions> = {}): Promise<Error> {
  const controller = new AbortController();
  const callbacks = { onStep: ({ step }: { step: number }) => void (step === after && controller.abort()) };
  return run({ ...options, signal: controller.signal, callbacks }).then(
    () => new Error('was not stopped'),
    (error: Error) => error,
  );
}
const losses = ({ history }: TinyOutcome): number[] => history.steps.map(({ loss }) => loss);
const names = (): string[] => readdirSync(folder).sort();

describe('checkpoints', () => {
  it('are kept: the last ones and the best', async () => {
    const seen: CheckpointRecord[] = [];
    const { history } = await run({
      checkpoint: { folder, every: 4, keep: 2 },
      callbacks: { onCheckpoint: (record) => void seen.push(record) },
    });
    const best = `step-${String(history.best?.step).padStart(6, '0')}`;
    expect(names()).toEqual([...new Set(['step-000016', 'step-000020', best])].sort());
    expect(history.checkpoints).toEqual(seen);
    expect(seen.map(({ step }) => step)).toEqual(expect.arrayContaining([4, 8, 12, 16, 20]));
  });

  it('keep the best even when it is old', async () => {
    // A rate that grows beyond reason: the first evaluation is the best.
    const wild = {
      optimizer: sgd(),
      schedule: (step: number): number => (step < 5 ? 0.5 : 200),
      gradientClipNorm: null,
    };
    await run({ ...wild, checkpoint: { folder, every: 5, keep: 1 } });
    expect(names()).toEqual(['step-000005', 'step-000020']);
    rmSync(folder, { recursive: true });
    await run({ ...wild, checkpoint: { folder, every: 5, keep: 1, keepBest: false } });
    expect(names()).toEqual(['step-000020']);
  });

  it('hold parameters under their checkpoint names, state, history and a marker', async () => {
    const { values } = await run({ checkpoint: { folder } });
    const [newest] = await listCheckpoints(folder);
    expect(newest).toEqual({ step: 20, folder: path.join(folder, 'step-000020'), complete: true });
    expect(readdirSync(newest.folder).sort()).toEqual([
      'complete.json',
      'model.safetensors',
      'optimizer.safetensors',
      'trainer.json',
    ]);
    const { tensors } = await readSafetensors(path.join(newest.folder, 'model.safetensors'));
    const order = ['tiny.embedding', 'tiny.0.weight', 'tiny.0.bias', 'tiny.head'];
    expect(order.map((name) => Array.from(tensors.get(name)?.data as Float32Array))).toEqual(values);
  });

  it('take further files along, and vouch for them', async () => {
    const alsoWrite = (model: { config: unknown }, staging: string): void =>
      writeFileSync(path.join(staging, 'config.json'), JSON.stringify(model.config));
    await run({ checkpoint: { folder, alsoWrite } });
    const config = path.join(folder, 'step-000020', 'config.json');
    expect(JSON.parse(readFileSync(config, 'utf8'))).toMatchObject({ vocabSize: 12 });
    writeFileSync(config, '{}');
    await expect(run({ resume: path.join(folder, 'step-000020') })).rejects.toThrow('config.json has 2 bytes of');
  });
});

describe('resuming', () => {
  const kinds: [string, Partial<TrainOptions>][] = [
    ['adamw', {}],
    ['sgd with momentum', { optimizer: sgd({ learningRate: 0.5, momentum: 0.9 }) }],
    ['epochs and accumulation', { order: 'epochs' as const, accumulationSteps: 2, batchSize: 2 }],
  ];
  const backends = ['onnx', 'cpu'] as const;
  it.each(backends.flatMap((backend) => kinds.map(([name, options]) => [backend, name, options] as const)))(
    'gives the uninterrupted run, bit for bit, on %s: %s',
    async (backend, _, options) => {
      await selectBackend({ prefer: backend, fallback: false, log: false });
      const whole = await run(options);
      const error = await interrupted(7, { ...options, checkpoint: { folder, every: 100 } });
      expect(error.message).toBe(
        `[trainer/train] E_ABORTED: stopped by the signal after 7 of 20 steps; saved as ${path.join(folder, 'step-000007')}; call train again with the same options and resume: true to continue`,
      );
      const resumed = await run({ ...options, checkpoint: { folder, every: 100 }, resume: true });
      expect(losses(resumed)).toEqual(losses(whole));
      expect(resumed.values).toEqual(whole.values);
      expect(resumed.history.evaluations).toEqual(whole.history.evaluations);
      expect(resumed.history.best).toEqual(whole.history.best);
      expect(resumed.history.resumedFrom).toEqual({ step: 7, folder: path.join(folder, 'step-000007') });
    },
  );

  it('begins when there is nothing to resume, and does nothing when all is done', async () => {
    const whole = await run({ checkpoint: { folder }, resume: true });
    expect(whole.history.resumedFrom).toBeUndefined();
    const again = await run({ checkpoint: { folder }, resume: true });
    expect(again.values).toEqual(whole.values);
    expect(losses(again)).toEqual(losses(whole));
    const further = await run({ checkpoint: { folder }, resume: true, steps: 24 });
    expect(losses(further).slice(0, 20)).toEqual(losses(whole));
    expect(losses(further).length).toBe(24);
  });

  it('continues from a named checkpoint', async () => {
    const whole = await run({ checkpoint: { folder, every: 6, keep: 9 } });
    const resumed = await run({ resume: path.join(folder, 'step-000006') });
    expect(losses(resumed)).toEqual(losses(whole));
    await expect(run({ resume: path.join(folder, 'step-000099') })).rejects.toThrow(
      'E_NOT_FOUND: there is no checkpoint',
    );
  });

  it('says when the continuation cannot be exact', async () => {
    await interrupted(6, { checkpoint: { folder } });
    const warnings: TrainingWarning[] = [];
    await run({
      checkpoint: { folder },
      resume: true,
      microBatchSize: 2,
      callbacks: { onWarning: (warning) => void warnings.push(warning) },
    });
    expect(warnings).toEqual([
      {
        code: 'W_NOT_EXACT',
        message:
          'the run goes on, but not bit for bit as it would have without the interruption: microBatchSize is 2 here and 4 in the checkpoint',
      },
    ]);
  });

  it('warns through Node where nobody listens', async () => {
    await interrupted(6, { checkpoint: { folder } });
    const seen: Error[] = [];
    const listen = (warning: Error): void => void seen.push(warning);
    process.on('warning', listen);
    await run({ checkpoint: { folder }, resume: true, microBatchSize: 2 });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(seen).toMatchObject([{ name: 'TesseraeWarning', code: 'W_NOT_EXACT' }]);
  });

  it('protects the checkpoints of an earlier run', async () => {
    await run({ checkpoint: { folder } });
    await expect(run({ checkpoint: { folder } })).rejects.toThrow(
      /E_CHECKPOINT_EXISTS: .* already holds \d checkpoints?, the newest after step 20; pass resume: true/,
    );
    await run({ steps: 4, checkpoint: { folder, every: 4, overwrite: true } });
    expect(names()).toEqual(['step-000004']);
  });
});

describe('a loss that is no number', () => {
  it('names the last good checkpoint, from which a gentler run can start', async () => {
    const schedule = (step: number): number => (step < 9 ? 0.01 : 3e38);
    const options = { optimizer: adamw(), evaluateEvery: undefined };
    const error = (await run({ ...options, schedule, checkpoint: { folder, every: 4 } }).catch(
      (reason: unknown) => reason,
    )) as Error & { details: { lastCheckpoint: string } };
    expect(error.details.lastCheckpoint).toBe(path.join(folder, 'step-000008'));
    expect(error.message).toContain(
      `; the last good checkpoint is ${path.join(folder, 'step-000008')}; lower the learning rate`,
    );
    const warnings: string[] = [];
    const callbacks = { onWarning: ({ code }: TrainingWarning) => void warnings.push(code) };
    const { history } = await run({
      ...options,
      schedule: () => 0.01,
      resume: error.details.lastCheckpoint,
      callbacks,
    });
    expect(history.steps.length).toBe(20);
    expect(warnings).toEqual([]); // two schedules of one's own cannot be told apart
  });
});

describe('damaged and foreign checkpoints', () => {
  const damage: [string, (checkpoint: string) => void, string][] = [
    ['cut short', (c) => truncateSync(path.join(c, 'model.safetensors'), 100), 'model.safetensors has 100 bytes of'],
    ['changed', (c) => flip(path.join(c, 'optimizer.safetensors')), 'optimizer.safetensors is not what was written'],
    ['without a file', (c) => rmSync(path.join(c, 'trainer.json')), 'trainer.json is missing'],
    ['without the marker', (c) => rmSync(path.join(c, 'complete.json')), 'it has no complete.json'],
    ['with a marker cut short', (c) => truncateSync(path.join(c, 'complete.json'), 20), 'complete.json is not JSON'],
  ];
  const flip = (file: string): void => {
    const bytes = readFileSync(file);
    bytes[bytes.length - 3] ^= 1;
    writeFileSync(file, bytes);
  };

  it.each(damage)('%s: the one before is used, with a warning', async (_, spoil, why) => {
    const whole = await run({ checkpoint: { folder, every: 6, keep: 2, keepBest: false } });
    spoil(path.join(folder, 'step-000020'));
    await expect(run({ resume: path.join(folder, 'step-000020') })).rejects.toThrow(
      `E_CHECKPOINT_TRUNCATED: the checkpoint ${path.join(folder, 'step-000020')} is damaged: ${why}`,
    );
    const warnings: TrainingWarning[] = [];
    const resumed = await run({
      checkpoint: { folder, every: 6, keep: 2, keepBest: false },
      resume: true,
      callbacks: { onWarning: (warning) => void warnings.push(warning) },
    });
    expect(resumed.history.resumedFrom?.step).toBe(18);
    expect(losses(resumed)).toEqual(losses(whole));
    expect(warnings.length).toBe(1);
    expect(warnings[0].code).toBe('W_CHECKPOINT_DAMAGED');
    expect(warnings[0].message).toContain(why);
    expect((await listCheckpoints(folder)).every(({ complete }) => complete)).toBe(true); // written again, whole
  });

  it('are an error when none is left', async () => {
    await run({ checkpoint: { folder, keep: 1, keepBest: false } });
    truncateSync(path.join(folder, 'step-000020', 'model.safetensors'), 10);
    const onWarning = (): void => undefined;
    await expect(run({ checkpoint: { folder }, resume: true, callbacks: { onWarning } })).rejects.toThrow(
      'E_CHECKPOINT_TRUNCATED',
    );
  });

  it('are refused when another run wrote them', async () => {
    await run({ checkpoint: { folder } });
    const resume = (options: Partial<TrainOptions>, config = {}): Promise<TinyOutcome> =>
      run({ checkpoint: { folder }, resume: true, ...options }, config);
    await expect(resume({}, { hiddenSize: 6 })).rejects.toThrow(
      'another model wrote it (hiddenSize is 6 here and 8 in the checkpoint); resume with the model that it was made from',
    );
    await expect(resume({ data: tinyIds(401) })).rejects.toThrow('it was made with other data');
    await expect(resume({ seed: 1 })).rejects.toThrow('seed is 1 here and 0 in the checkpoint');
    await expect(resume({ optimizer: sgd({ learningRate: 0.02 }) })).rejects.toThrow('optimizer is {"name":"sgd"');
    await expect(resume({ batchSize: 8 })).rejects.toThrow('rows is 8 here and 4 in the checkpoint');
  });

  it('are refused when they are no checkpoints at all', async () => {
    const other = scratchFolder();
    writeFileSync(path.join(other, 'config.json'), '{}');
    await expect(run({ resume: other })).rejects.toThrow('E_CHECKPOINT_FOREIGN');
    writeFileSync(path.join(other, 'complete.json'), '{"format":"something else"}');
    await expect(run({ resume: other })).rejects.toThrow('it is no training checkpoint of this trainer');
    writeFileSync(path.join(other, 'complete.json'), '{"format":"tesserae.training-checkpoint","version":99}');
    await expect(run({ resume: other })).rejects.toThrow('its version is 99, this trainer reads version 1');
    const escape = { format: 'tesserae.training-checkpoint', version: 1, files: { '../x': { bytes: 1, sha256: '' } } };
    await run({ checkpoint: { folder } });
    cpSync(path.join(folder, 'step-000020'), other, { recursive: true });
    const marker = JSON.parse(readFileSync(path.join(other, 'complete.json'), 'utf8')) as { files: object };
    writeFileSync(
      path.join(other, 'complete.json'),
      JSON.stringify({ ...marker, files: { ...marker.files, ...escape.files } }),
    );
    await expect(run({ resume: other })).rejects.toThrow('E_PATH_ESCAPE');
  });
});

const disk = mountSmallDisk('16k'); // a checkpoint of the tiny model takes about 7 kB
describe('a full disk', () => {
  afterAll(() => disk?.unmount());
  it.skipIf(disk === undefined)(
    'stops the run, and the checkpoints before stay whole (needs the right to mount)',
    async () => {
      const place = path.join(disk!.folder, 'run');
      const error = await run({ evaluateEvery: undefined, checkpoint: { folder: place, every: 2, keep: 20 } }).then(
        () => new Error('there was enough space'),
        (reason: Error) => reason,
      );
      expect(error.message).toMatch(/E_DISK_FULL/);
      const left = await listCheckpoints(place);
      expect(left.length).toBeGreaterThan(0);
      expect(left.every(({ complete }) => complete)).toBe(true);
      const resumed = await run({ evaluateEvery: undefined, resume: left[0].folder });
      expect(resumed.history.resumedFrom?.step).toBe(left[0].step);
    },
  );
});

describe('a place that cannot be written to', () => {
  it('is refused before the first step', async () => {
    const file = path.join(scratchFolder(), 'file');
    writeFileSync(file, '');
    let steps = 0;
    const callbacks = { onStep: () => void steps++ };
    await expect(run({ checkpoint: { folder: path.join(file, 'run') }, callbacks })).rejects.toThrow('E_NOT_WRITABLE');
    expect(steps).toBe(0);
    expect(existsSync(path.join(file, 'run'))).toBe(false);
  });
});
