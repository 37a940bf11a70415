import '@tensorflow/tfjs-backend-cpu';
import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { selectBackend } from '@tesserae/core';
import { adamw, jsonLines, liveChart, lossSpikes, tensorBoard } from '@tesserae/trainer';
import type { TrainingCallback, TrainingWarning } from '@tesserae/trainer';
import { beforeAll, describe, expect, it } from 'vitest';
import { linesOf, withoutTimes } from '../../../../test/support/json-lines';
import { endOfRecords } from '../../src/event-files/records';
import { scratchFolder } from '../scratch';
import { tinyRuns } from '../tiny-run';

const run = tinyRuns({ evaluateEvery: 4 });

/** Steps and tags of the events of a folder, told by their bytes: a step is varint field 2, a tag a text. */
const eventFile = (folder: string): Buffer => {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  const file = readFileSync(path.join(folder, names[0]));
  expect(endOfRecords(file)).toBe(file.length);
  return file;
};
/** Aborts a run after so many steps. */
const aborting = (after: number): { callback: TrainingCallback; signal: AbortSignal } => {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    callback: { onStep: ({ step }) => void (step === after && controller.abort()) },
  };
};

beforeAll(async () => {
  await selectBackend({ prefer: 'cpu', fallback: false, log: false });
});

describe('a log of lines', () => {
  it('tells everything, a line each', async () => {
    const file = path.join(scratchFolder(), 'logs', 'run.jsonl');
    await run({ callbacks: jsonLines({ file, statisticsEvery: 6 }), metrics: () => ({ accuracy: NaN }) });
    const lines = linesOf(file);
    expect(lines.map(({ type, step }) => `${type} ${step}`)).toEqual([
      ...[
        'start undefined',
        'step 1',
        'step 2',
        'step 3',
        'step 4',
        'evaluation 4',
        'step 5',
        'step 6',
        'statistics 6',
      ],
      ...['step 7', 'step 8', 'evaluation 8', 'step 9', 'step 10', 'step 11', 'step 12', 'statistics 12'],
      ...['evaluation 12', 'end 12'],
    ]);
    expect(lines[0]).toMatchObject({ steps: 12, options: { seed: 0, rows: 4 } });
    expect(lines[1].loss).toBeGreaterThan(0);
    expect(lines[5].metrics).toEqual({ accuracy: 'NaN' });
    expect(lines.at(-1)).toMatchObject({ stopped: 'steps' });
  });

  it('goes on where the checkpoint stood, whatever was written since', async () => {
    const folder = scratchFolder();
    const [whole, parts] = [path.join(folder, 'whole.jsonl'), path.join(folder, 'parts.jsonl')];
    await run({ callbacks: jsonLines({ file: whole }) });
    const checkpoint = { folder: path.join(folder, 'run'), every: 5, keepBest: false };
    const failing: TrainingCallback = {
      onStep: ({ step }) => {
        if (step === 9) throw new Error('power cut');
      },
    };
    const log = { callbacks: [jsonLines({ file: parts }), failing], checkpoint };
    await expect(run(log)).rejects.toThrow('power cut');
    expect(linesOf(parts).at(-1)).toMatchObject({ type: 'step', step: 9 });
    appendFileSync(parts, '{"type":"step","st'); // what a power cut leaves of a line
    await run({ ...log, callbacks: jsonLines({ file: parts }), resume: true });
    expect(withoutTimes(linesOf(parts))).toEqual(withoutTimes(linesOf(whole)));
  });

  it('begins anew when a run is told to go on and finds nothing, and never writes into another one', async () => {
    const file = path.join(scratchFolder(), 'run.jsonl');
    await run({ steps: 3, callbacks: jsonLines({ file }) });
    await expect(run({ steps: 3, callbacks: jsonLines({ file }) })).rejects.toThrow(
      /^\[trainer\/json-lines\] E_LOG_EXISTS: .*run\.jsonl is there already, from another run; resume that run/,
    );
    expect(linesOf(file).length).toBe(6);
    await run({ steps: 1, callbacks: jsonLines({ file, overwrite: true }) });
    expect(linesOf(file).length).toBe(4);
    const checkpoint = { folder: scratchFolder() };
    await run({ steps: 2, callbacks: jsonLines({ file }), checkpoint, resume: true });
    expect(linesOf(file).map(({ type }) => type)).toEqual(['start', 'step', 'step', 'evaluation', 'end']);
  });

  it('is added to when it joins a run half-way, and says when it was changed', async () => {
    const folder = scratchFolder();
    const checkpoint = { folder: path.join(folder, 'run') };
    const file = path.join(folder, 'run.jsonl');
    writeFileSync(file, '{"type":"note"}\n');
    await run({ steps: 4, checkpoint });
    await run({ steps: 5, checkpoint, resume: true, callbacks: jsonLines({ file }) });
    expect(linesOf(file).map(({ type }) => type)).toEqual(['note', 'start', 'step', 'evaluation', 'end']);
    truncateSync(file, 20);
    const warnings: TrainingWarning[] = [];
    const hearing: TrainingCallback = { onWarning: (warning) => void warnings.push(warning) };
    await run({ steps: 6, checkpoint, resume: true, callbacks: [jsonLines({ file }), hearing] });
    expect(warnings).toMatchObject([{ code: 'W_LOG_CHANGED' }]);
    expect(linesOf(file).map(({ type }) => type)).toEqual(['note', 'step', 'evaluation', 'end']);
  });

  it('that cannot be opened stops the run before its first step', async () => {
    const file = path.join(scratchFolder(), 'a-file');
    writeFileSync(file, '');
    const inside = path.join(file, 'run.jsonl');
    await expect(run({ callbacks: jsonLines({ file: inside }) })).rejects.toThrow('E_LOG_FILE');
  });

  it('holds rollbacks, and the steps again', async () => {
    const file = path.join(scratchFolder(), 'run.jsonl');
    let slips = 1;
    const schedule = (step: number): number => (step === 5 && slips-- > 0 ? 3e38 : 0.02);
    const callbacks = [lossSpikes({ keepEvery: 4, settleSteps: 1 }), jsonLines({ file })];
    await run({ steps: 8, evaluateEvery: 8, optimizer: adamw(), schedule, callbacks });
    const lines = linesOf(file);
    const at = lines.findIndex(({ type }) => type === 'rollback');
    expect(lines[at]).toMatchObject({ to: 4 });
    expect(lines[at + 1]).toMatchObject({ type: 'step', step: 5 });
  });
});

describe('event files', () => {
  const tags = ['loss/train', 'training/gradient-norm', 'training/learning-rate', 'loss/validation'];
  it('hold curves, statistics, histograms and the options', async () => {
    const folder = path.join(scratchFolder(), 'events');
    await run({ callbacks: tensorBoard({ folder, statisticsEvery: 6, histogramsEvery: 12 }) });
    const text = eventFile(folder).toString('latin1');
    for (const tag of [...tags, 'weights/layers.0.weight', 'update-ratio/layers.0', 'gradient-norm/head', '"rows": 4'])
      expect(text).toContain(tag);
    expect(text.split('loss/train').length - 1).toBe(12);
    expect(text.split('loss/validation').length - 1).toBe(3);
    expect(text.split('update-ratio/layers.0').length - 1).toBe(2);
  });

  it('go on in the same file, without a step twice', async () => {
    const folder = scratchFolder();
    const events = path.join(folder, 'events');
    const checkpoint = { folder: path.join(folder, 'run'), every: 5, keepBest: false };
    const { callback, signal } = aborting(7);
    const first = run({ callbacks: [tensorBoard({ folder: events }), callback], checkpoint, signal });
    await expect(first).rejects.toThrow('E_ABORTED');
    const [name] = readdirSync(events);
    appendFileSync(path.join(events, name), 'half a record');
    await run({ callbacks: tensorBoard({ folder: events }), checkpoint, resume: true });
    const text = eventFile(events).toString('latin1');
    expect(text.split('loss/train').length - 1).toBe(12);
    expect(text.split('brain.Event:2').length - 1).toBe(1);
    expect(readdirSync(events)).toEqual([name]);
  });

  it('of another run are not written to', async () => {
    const folder = scratchFolder();
    await run({ steps: 2, callbacks: tensorBoard({ folder }) });
    await expect(run({ callbacks: tensorBoard({ folder }) })).rejects.toThrow('E_LOG_EXISTS');
    await run({ steps: 3, callbacks: tensorBoard({ folder, overwrite: true }) });
    expect(eventFile(folder).toString('latin1').split('loss/train').length - 1).toBe(3);
  });
});

describe('a live chart', () => {
  it('draws both losses, and those of before an interruption', async () => {
    const checkpoint = { folder: scratchFolder(), every: 4 };
    await run({ steps: 8, checkpoint });
    const written: string[] = [];
    const stream = { write: (text: string) => void written.push(text), isTTY: true, columns: 60 };
    const chart = liveChart({ output: { environment: 'terminal', stream } });
    await run({ checkpoint, resume: true, callbacks: chart });
    expect(written.at(-1)).toContain('training');
    expect(written.at(-1)).toContain('validation');
    expect(written.at(-1)).toMatch(/ 1 +step +12/);
  });
});
