import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { trainWordPiece } from '@tesserae/tokenizer';
import type { AnswerSample, EvaluationResult } from '@tesserae/trainer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateStories } from '../src/stories/generateStories';
import { command, small } from './run-command';

const golden = path.resolve('test/golden');
let folder: string;
let text: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tesserae-command-'));
  text = path.join(folder, 'stories.txt');
  writeFileSync(text, generateStories({ count: 200, seed: 1 }).join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('tesserae', () => {
  it('says its version and lists its commands', async () => {
    expect(await command(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
    const { code, out } = await command(['--help']);
    expect(code).toBe(0);
    for (const name of ['train', 'generate', 'evaluate', 'info', 'quickstart', 'verify']) expect(out).toContain(name);
  });

  it.each([
    [['trian'], /unknown command 'trian'/],
    [['train', '--text', 'x', '--layerz', '2'], /unknown option '--layerz'/],
    [['train', '--text', 'x', '--layers', 'two'], /whole number from 1 up/],
  ])('exits with 2 for %j', async (words, message) => {
    const { code, notes } = await command(words);
    expect(code).toBe(2);
    expect(notes).toMatch(message);
  });

  it('info names the backend and why', async () => {
    const { code, out } = await command(['info', '--json', '--backend', 'cpu']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ backend: { name: 'cpu', reason: 'asked for' } });
  });

  it('converts between a Hugging Face folder and a llama2.c checkpoint, and shows either', async () => {
    const { createModel, disposeModel, llama } = await import('@tesserae/core');
    const { savePretrained } = await import('@tesserae/hub');
    const config = { vocabSize: 11, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, rmsNormEpsilon: 1e-5 };
    const model = createModel(llama, { ...config, intermediateSize: 12, maxPositionEmbeddings: 16 });
    const [from, file, back] = ['from', 'model.bin', 'back'].map((name) => path.join(folder, `convert-${name}`));
    await savePretrained(model, from);
    disposeModel(model);
    expect(await command(['convert', from, file])).toMatchObject({
      code: 0,
      out: expect.stringContaining('llama with') as string,
    });
    expect((await command(['info', file])).out).toContain('llama');
    expect((await command(['convert', file, back, '--max-shard-bytes', '500', '--json'])).code).toBe(0);
    expect(readdirSync(back)).toContain('model.safetensors.index.json');
    expect((await command(['convert', back, file, '--llama2c-version', '2'])).notes).toMatch(/version is 2/);
    expect((await command(['info', path.join(folder, 'nothing', 'at', 'all')])).notes).toMatch(/E_NOT_FOUND/);
  });

  it('trains, saves, generates, and shows what it made', async () => {
    const output = path.join(folder, 'run');
    const trained = await command(['train', '--text', text, '--output', output, '--steps', '10', '--json', ...small]);
    expect(trained.notes).not.toMatch(/E_/);
    expect(trained.code).toBe(0);
    const facts = JSON.parse(trained.out) as { model: string; steps: number; loss: number };
    expect(facts.steps).toBe(10);
    expect(facts.loss).toBeLessThan(Math.log(270));
    const held = tf.memory().numTensors;
    const spoken = await command([
      'generate',
      facts.model,
      '--prompt',
      'Mia had',
      '--tokens',
      '5',
      '--json',
      '--seed',
      '3',
    ]);
    expect(JSON.parse(spoken.out)).toMatchObject({ prompt: 'Mia had' });
    expect((JSON.parse(spoken.out) as { ids: number[] }).ids).toHaveLength(5);
    const again = await command(['generate', facts.model, '--prompt', 'Mia had', '--tokens', '5', '--seed', '3']);
    expect(again.out).toBe(`Mia had${(JSON.parse(spoken.out) as { text: string }).text}\n`);
    const begin = ['generate', facts.model, '--prompt', 'Mia had', '--tokens', '4'];
    const lines = (await command([...begin, '--json-lines', '--logprobs', '2', '--min-p', '0.1'])).out
      .trim()
      .split('\n');
    expect(lines).toHaveLength(5);
    const first = JSON.parse(lines[0]) as { logprobs: { top: unknown[] } };
    expect(first.logprobs.top).toHaveLength(2);
    const searched = await command([...begin, '--beams', '3', '--sequences', '2', '--length-penalty', '-1', '--json']);
    const { score, sequences } = JSON.parse(searched.out) as { score: number; sequences: { score: number }[] };
    expect(sequences.map((one) => one.score)).toEqual([score, expect.any(Number)]);
    const template = '{% for m in messages %}{{ m.content }}{{ m.role[0] }}{% endfor %}';
    writeFileSync(path.join(facts.model, 'chat_template.jinja'), template);
    const chatted = await command([...begin, '--chat', '--system', 'A', '--json', '--seed', '3']);
    const whole = await command(['generate', facts.model, '--prompt', 'AsMia hadu', '--tokens', '4', '--json', '--seed', '3']); // prettier-ignore
    const said = (out: string): string => (JSON.parse(out) as { text: string }).text;
    expect(said(chatted.out)).toBe(said(whole.out));
    expect((await command(['info', facts.model])).out).toContain('gpt2');
    const scored = await command([
      'evaluate',
      facts.model,
      '--data',
      text,
      '--context',
      '8',
      '--stride',
      '4',
      '--json',
    ]);
    const { metrics, counts } = JSON.parse(scored.out) as EvaluationResult;
    expect(metrics.perplexity.value).toBeCloseTo(Math.exp(metrics.loss.value), 3);
    expect(metrics.loss.value).toBeLessThan(Math.log(270));
    expect(metrics.bitsPerByte.standardError).toBeGreaterThan(0);
    expect(counts.bytes).toBeGreaterThan(counts.tokens);
    const questions = path.join(folder, 'questions.jsonl');
    const row = (answer: number): string => JSON.stringify({ prompt: 'Mia', choices: ['had', 'zq'], answer });
    writeFileSync(questions, `${row(0)}\n${row(1)}\n`);
    const asked = await command(['evaluate', facts.model, '--task', 'multiple-choice', '--data', questions]);
    expect(asked.out).toMatch(/accuracy +0\.5 .*±|accuracyNormalized/s);
    expect(tf.memory().numTensors).toBe(held);
    writeFileSync(questions, `${row(0)}\n{\n`);
    for (const [words, message] of [
      [['--task', 'multiple-choice', '--data', questions], /E_DATA_FILE: line 2 of the data is not JSON/],
      [['--task', 'perplexty', '--data', text], /E_OPTION: there is no task 'perplexty'; use one of perplexity/],
    ] as const) {
      const refused = await command(['evaluate', facts.model, ...words]);
      expect(refused.code).toBe(1);
      expect(refused.notes).toMatch(message);
    }
  });

  it('evaluates the answers that a model finds in texts', async () => {
    const { bert, createModel, disposeModel } = await import('@tesserae/core');
    const { savePretrained } = await import('@tesserae/hub');
    const tokenizer = trainWordPiece('who ran ? mia and tom ran home', { vocabSize: 90, minFrequency: 1 });
    const size = { hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 1 };
    const config = { ...size, vocabSize: tokenizer.vocabSize, maxPositionEmbeddings: 16 };
    const model = createModel(bert, { ...config, head: 'question-answering' }, { seed: 1, tokenizer });
    await savePretrained(model, path.join(folder, 'answers'));
    disposeModel(model);
    const data = path.join(folder, 'answers.jsonl');
    const row = (answer: string, start: number): string =>
      JSON.stringify({
        question: 'who ran?',
        context: 'mia ran home',
        answers: { text: [answer], answer_start: [start] },
      });
    writeFileSync(data, `${row('mia', 0)}\n${row('mia ran home', 0)}\n`);
    const words = ['evaluate', path.join(folder, 'answers'), '--task', 'answer-extraction', '--data', data, '--json'];
    const { code, out } = await command([...words, '--samples']);
    expect(code).toBe(0);
    const { metrics, samples } = JSON.parse(out) as EvaluationResult<AnswerSample>;
    expect(samples!.map(({ prediction }) => 'mia ran home'.includes(prediction))).toEqual([true, true]);
    const right = samples!.filter(({ prediction, answers }) => prediction === answers[0]).length;
    expect(metrics.exactMatch.value).toBe(right / 2);
    expect(metrics.f1.value).toBeGreaterThan(0);
  });

  it('trains on the texts of rows', async () => {
    const output = path.join(folder, 'rows');
    const data = path.join(folder, 'rows.jsonl');
    const lines = readFileSync(text, 'utf8').split('\n').filter(Boolean);
    writeFileSync(data, `no row\n${lines.map((body) => JSON.stringify({ body })).join('\n')}`);
    const words = [
      'train',
      '--data',
      data,
      '--text-column',
      'body',
      '--output',
      output,
      '--steps',
      '4',
      '--json',
      ...small,
    ];
    expect((await command(words)).notes).toMatch(/E_ROW.*rows\.jsonl:1/);
    const trained = await command([...words, '--unreadable', 'skip']);
    expect(trained.code).toBe(0);
    expect((JSON.parse(trained.out) as { steps: number }).steps).toBe(4);
  });

  it('trains with the optimizer that is named', async () => {
    const words = ['train', '--text', text, '--steps', '4', '--json', '--overwrite', ...small];
    const losses = new Map<string, number>();
    for (const name of ['adamw', 'adam', 'sgd', 'lion', 'muon', 'adafactor']) {
      const output = path.join(folder, `with-${name}`);
      const { code, out, notes } = await command([...words, '--output', output, '--optimizer', name]);
      expect(code, notes).toBe(0);
      losses.set(name, (JSON.parse(out) as { loss: number }).loss);
    }
    expect(new Set(losses.values()).size).toBe(losses.size);
    const refused = await command([...words, '--output', path.join(folder, 'none'), '--optimizer', 'adagrad']);
    expect(refused.notes).toMatch("there is no optimizer 'adagrad'");
  });

  it('stops at a signal with a checkpoint, and goes on with --resume to the same end', async () => {
    const words = (name: string): string[] => [
      'train',
      '--text',
      text,
      '--output',
      path.join(folder, name),
      '--steps',
      '8',
      '--json',
      '--seed',
      '4',
      ...small,
    ];
    const whole = await command(words('whole'));
    const stopped = await command(words('stopped'), { after: (line) => line.includes('checkpoints in') });
    expect(stopped.code).toBe(130);
    expect(stopped.notes).toMatch(/--resume/);
    const resumed = await command([...words('stopped'), '--resume']);
    expect(resumed.code).toBe(0);
    const loss = (out: string): number => (JSON.parse(out) as { loss: number }).loss;
    expect(loss(resumed.out)).toBe(loss(whole.out));
    const weights = (name: string): Buffer => readFileSync(path.join(folder, name, 'model', 'model.safetensors'));
    expect(weights('stopped').equals(weights('whole'))).toBe(true);
    const [checkpoint] = readdirSync(path.join(folder, 'stopped', 'checkpoints')).filter((name) =>
      name.startsWith('step-'),
    );
    expect((await command(['info', path.join(folder, 'stopped', 'checkpoints', checkpoint)])).out).toContain('gpt2');
  });

  it.each([
    [['train'], /E_OPTION.*--text or --data/],
    [['train', '--data', 'no/such/file.jsonl'], /E_NOT_FOUND/],
    [['train', '--text', 'no/such/file.txt'], /E_NOT_FOUND/],
    [['generate', 'no/such/folder'], /E_/],
    [['train', '--text', 'TEXT', '--form', 'gpt9', '--output', 'OUT'], /E_OPTION.*gpt9.*gpt2 or llama/],
    [['train', '--text', 'TEXT', '--schedule', 'steep', '--output', 'OUT', ...small], /E_OPTION.*steep/],
    [['info', '--backend', 'abacus'], /E_UNKNOWN_BACKEND/],
  ])('exits with 1 and a coded error for %j', async (words, message) => {
    const { code, notes } = await command(
      words.map((word) => (word === 'TEXT' ? text : word === 'OUT' ? path.join(folder, 'none') : word)),
    );
    expect(code).toBe(1);
    expect(notes).toMatch(message);
  });

  it.each(['wordpiece', 'unigram'])('train makes a %s tokenizer', async (kind) => {
    const output = path.join(folder, kind);
    const { code } = await command([
      ...['train', '--text', text, '--tokenizer', kind, '--steps', '1', '--output', output],
      ...small,
    ]);
    expect(code).toBe(0);
    const file = readFileSync(path.join(output, 'model', 'tokenizer.json'), 'utf8');
    expect((JSON.parse(file) as { model: { type: string } }).model.type.toLowerCase()).toBe(kind);
  });

  it.each(['gpt2', 'llama'])('verify holds the %s fixture to its reference', async (name) => {
    const { code, out } = await command(['verify', path.join(golden, name), '--json']);
    const report = JSON.parse(out) as { ok: boolean; rows: { ok: boolean }[] };
    expect(report.rows.filter(({ ok }) => !ok)).toEqual([]);
    expect(code).toBe(0);
  });

  it('verify --strict fails when something listed cannot be done', async () => {
    const { code, out } = await command(['verify', path.join(golden, 'gpt2'), '--strict', '--json']);
    const report = JSON.parse(out) as { notDone: string[] };
    expect(code).toBe(report.notDone.length > 0 ? 1 : 0);
  });

  it('quickstart writes a model and a report that needs nothing else', async () => {
    const output = path.join(folder, 'quick');
    const { code, out } = await command(['quickstart', '--steps', '2', '--output', output, '--json', '--text', text]);
    expect(code).toBe(0);
    const result = JSON.parse(out) as { reportFile: string; modelFolder: string };
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json'])
      expect(existsSync(path.join(result.modelFolder, file))).toBe(true);
    const page = readFileSync(result.reportFile, 'utf8');
    expect(page).toMatch(/<svg/);
    expect(page).not.toMatch(/<script|(?:src|href)="https?:/);
  });
});
