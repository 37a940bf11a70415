import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { eventsOf } from '../../../test/support/event-records';
import { linesOf } from '../../../test/support/json-lines';
import type { LogLine } from '../../../test/support/json-lines';
import { command, storyRuns } from './run-command';
import type { CommandOutcome } from './run-command';

const { place, words } = storyRuns();

interface Facts {
  readonly model: string;
  readonly steps: number;
  readonly loss: number;
  readonly validationLoss: number;
  readonly stopped: string;
  readonly bestStep: number;
  readonly rollbacks: number;
  readonly learningRate: number;
}
/** What a run says at its end, in one line and nothing beside it. */
function factsOf({ code, out, notes }: CommandOutcome): Facts {
  expect(code, notes).toBe(0);
  expect(out.trimEnd()).not.toContain('\n');
  return JSON.parse(out) as Facts;
}

const stepsIn = (lines: readonly LogLine[]): unknown[] =>
  lines.flatMap(({ type, step }) => (type === 'step' ? [step] : []));
const upTo = (steps: number): number[] => Array.from({ length: steps }, (_, i) => i + 1);

describe('train --log', () => {
  it('writes every step as a line, and goes on in the same file with --resume', async () => {
    const log = place('logs', 'run.jsonl');
    const facts = factsOf(await command(words('logged', 7, '--log', log)));
    const lines = linesOf(log);
    expect(lines.map(({ type }) => type)).toEqual([
      'start',
      ...['step', 'step', 'step', 'step', 'step', 'evaluation'],
      ...['step', 'step', 'evaluation', 'end'],
    ]);
    expect(stepsIn(lines)).toEqual(upTo(7));
    expect(lines.at(-3)!.loss).toBe(facts.loss);
    expect(lines.at(-2)!.loss).toBe(facts.validationLoss);
    expect(lines.at(-1)).toMatchObject({ step: 7, stopped: 'steps' });
    const longer = factsOf(await command(words('logged', 9, '--log', log, '--resume')));
    expect(longer.steps).toBe(9);
    expect(stepsIn(linesOf(log))).toEqual(upTo(9));
    expect(linesOf(log).filter(({ type }) => type === 'end')).toHaveLength(1);
  });

  it('never writes into the log of another run unless told to', async () => {
    const log = place('one.jsonl');
    factsOf(await command(words('one', 2, '--log', log)));
    const before = readFileSync(log);
    const other = await command(words('two', 2, '--log', log));
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.notes).toMatch(/E_LOG_EXISTS: .*one\.jsonl is there already/);
    expect(readFileSync(log).equals(before)).toBe(true);
    factsOf(await command(words('two', 1, '--log', log, '--overwrite')));
    expect(stepsIn(linesOf(log))).toEqual([1]);
    mkdirSync(place('a-folder'));
    const refused = await command(words('three', 1, '--log', place('a-folder'), '--overwrite'));
    expect(refused.code).toBe(1);
    expect(refused.notes).toMatch('E_LOG_FILE');
  });
});

describe('train --tensorboard', () => {
  it('writes records with right checksums, of every step and evaluation', async () => {
    const events = place('events');
    const log = place('beside.jsonl');
    factsOf(await command(words('board', 6, '--tensorboard', events, '--log', log)));
    const names = readdirSync(events);
    expect(names).toHaveLength(1);
    const found = eventsOf(readFileSync(path.join(events, names[0])));
    expect(found[0].fileVersion).toBe('brain.Event:2');
    expect(found[1].tags).toEqual(['run']);
    const curve = (tag: string): [number, number][] =>
      found.flatMap(({ step, scalars }) => (tag in scalars ? [[step, scalars[tag]]] : []));
    const logged = (type: string): [number, number][] =>
      linesOf(log).flatMap((line) => (line.type === type ? [[line.step!, Math.fround(line.loss as number)]] : []));
    expect(curve('loss/train')).toEqual(logged('step'));
    expect(curve('loss/validation')).toEqual(logged('evaluation'));
    expect(curve('training/learning-rate').map(([step]) => step)).toEqual(upTo(6));
    const again = await command(words('board-2', 2, '--tensorboard', events));
    expect(again.code).toBe(1);
    expect(again.notes).toMatch('E_LOG_EXISTS');
  });
});

describe('train --early-stop', () => {
  it('ends before --steps, and saves the best model', async () => {
    const log = place('early.jsonl');
    const more = ['--early-stop', '2', '--learning-rate', '0.5', '--schedule', 'constant', '--clip', '0', '--log', log];
    const facts = factsOf(await command(words('early', 200, ...more)));
    expect(facts.stopped).toMatch(/^no progress in 2 evaluations/);
    expect(facts.steps).toBeLessThan(200);
    const evaluations = linesOf(log).filter(({ type }) => type === 'evaluation');
    const best = Math.min(...evaluations.map(({ loss }) => loss as number));
    expect(evaluations.find(({ loss }) => loss === best)!.step).toBe(facts.bestStep);
    expect(evaluations.at(-1)!.step).toBe(facts.bestStep + 10); // two more looks
    expect(facts.validationLoss).toBe(best);
    const weights = (at: string): Buffer => readFileSync(path.join(at, 'model.safetensors'));
    const checkpoint = place('early', 'checkpoints', `step-${String(facts.bestStep).padStart(6, '0')}`);
    expect(weights(facts.model).equals(weights(checkpoint))).toBe(true);
  });
});

describe('train --find-rate', () => {
  const sweep = ['--find-rate', '--schedule', 'constant', '--warmup', '0'];

  it('names a rate, draws the sweep, and trains with the rate', async () => {
    const log = place('rate.jsonl');
    const held = tf.memory().numTensors;
    const outcome = await command(words('rate', 2, ...sweep, '--log', log));
    const { learningRate } = factsOf(outcome);
    expect(outcome.notes).toContain(`learning rate ${learningRate.toExponential(2)}, where the loss fell fastest`);
    expect(learningRate).toBeGreaterThan(1e-5);
    expect(learningRate).toBeLessThan(1);
    expect(linesOf(log)[1].learningRate).toBe(learningRate);
    expect(readFileSync(place('rate', 'learning-rate.svg'), 'utf8')).toMatch(/^<svg[^]*learning rate[^]*<\/svg>\s*$/);
    expect(tf.memory().numTensors).toBe(held);
    const again = factsOf(await command(words('rate', 2, ...sweep, '--log', log, '--overwrite', '--accumulate', '2')));
    expect(again.learningRate).not.toBe(learningRate); // the sweep makes the steps that training makes
  });

  it('sweeps over rows too, from a model that is there', async () => {
    const data = place('rows.jsonl');
    const texts = readFileSync(place('stories.txt'), 'utf8').split('\n').filter(Boolean);
    writeFileSync(data, texts.map((body) => JSON.stringify({ body })).join('\n'));
    const from = factsOf(await command(words('first', 1))).model;
    const rows = words('from', 2, ...sweep, '--from', from, '--text-column', 'body');
    rows.splice(1, 2, '--data', data); // instead of --text
    expect(factsOf(await command(rows)).learningRate).toBeGreaterThan(0);
  });
});

describe('train --spikes', () => {
  it('goes back when the loss shoots up', async () => {
    const text = place('spiky.txt');
    const [rule, noise] = ['abcdefgh'.repeat(60), 'hcxzfqbwyqzhxgcvewaxz'];
    writeFileSync(text, [rule, noise, rule, noise, rule].join(''));
    const run = async (name: string, ...more: string[]): Promise<[Facts, LogLine[]]> => {
      const log = place(`${name}.jsonl`);
      const given = words(name, 100, '--tokenizer', 'character', '--batch', '1', '--learning-rate', '0.01');
      given.splice(2, 1, text);
      const facts = factsOf(await command([...given, '--log', log, ...more]));
      return [facts, linesOf(log)];
    };
    const [plain, all] = await run('plain');
    const [facts, lines] = await run('spikes', '--spikes');
    const rollbacks = lines.filter(({ type }) => type === 'rollback');
    expect(rollbacks.length).toBeGreaterThan(0);
    expect(rollbacks[0].reason).toMatch(/^the loss is \d/);
    expect([facts.rollbacks, facts.steps]).toEqual([rollbacks.length, 100]);
    expect([plain.rollbacks, all.filter(({ type }) => type === 'rollback').length]).toEqual([0, 0]);
    const before = rollbacks[0].step as number; // up to the spike both runs are one
    expect(lines.slice(1, before).map(({ loss }) => loss)).toEqual(all.slice(1, before).map(({ loss }) => loss));
  });
});

describe('train --chart', () => {
  it('draws beside the result, not into it', async () => {
    const drawn: string[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((piece) => drawn.push(String(piece)) > 0);
    try {
      factsOf(await command(words('chart', 6, '--chart')));
    } finally {
      spy.mockRestore();
    }
    const lines = drawn.join('').split('\n');
    expect(lines.filter((line) => /^Loss +training .*validation/.test(line)).length).toBeGreaterThan(0);
  });
});

describe('train refuses', () => {
  it.each([
    [['--early-stop', '0'], 2, /whole number from 1 up/],
    [['--early-stop', 'soon'], 2, /--early-stop.*whole number/],
    [['--log'], 2, /option '--log <file>' argument missing/],
    [['--tensorboard'], 2, /argument missing/],
    [['--find-rate', '--schedule', 'steep'], 1, /E_OPTION.*no schedule 'steep'/],
    [['--find-rate', '--optimizer', 'adagrad'], 1, /E_OPTION.*no optimizer 'adagrad'/],
  ])('%j', async (more, code, message) => {
    const refused = await command(words('refused', 1, ...more));
    expect(refused).toMatchObject({ code, out: '' });
    expect(refused.notes).toMatch(message);
    expect(existsSync(place('refused'))).toBe(false);
  });
});
