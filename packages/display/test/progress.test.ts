import { describe, expect, it } from 'vitest';
import { createProgress } from '@tesserae/display';
import type { ProgressOptions } from '@tesserae/display';
import { expectError, fakeClock, fakeNotebook, fakeStream, wellFormedTexts } from './support';

describe('plain progress', () => {
  const plain = (options: Partial<ProgressOptions> = {}) => {
    const clock = fakeClock();
    const stream = fakeStream();
    const progress = createProgress({
      total: 100,
      label: 'training',
      memory: false,
      output: { stream, now: clock.now },
      ...options,
    });
    return { clock, stream, progress };
  };

  it('writes the first line, then one every few seconds, and the last', () => {
    const { clock, stream, progress } = plain();
    for (let step = 1; step <= 100; step++) {
      clock.advance(100);
      progress.update(step, { loss: 4 / step, learningRate: 3e-4 });
    }
    progress.end();
    expect(stream.written).toEqual([
      'training    1 %  1/100  loss 4 · lr 0.0003 · 10 steps/s · 10 s left\n',
      'training   51 %  51/100  loss 0.07843 · lr 0.0003 · 10 steps/s · 5 s left\n',
      'training  100 %  100/100  loss 0.04000 · lr 0.0003 · 10 steps/s · took 10 s\n',
    ]);
  });

  it('says how long is left, and forgets a slow first step', () => {
    const { clock, stream, progress } = plain({ plainSeconds: 0.001 });
    clock.advance(30_000); // compiling
    progress.update(1);
    clock.advance(500);
    progress.update(2);
    clock.advance(500);
    progress.update(3);
    expect(stream.written[0]).toContain('49:30 left'); // all that is known: 30 s a step
    expect(stream.written[2]).toContain('2 steps/s · 49 s left');
  });

  it('follows a change of pace within the window of 15 seconds', () => {
    const { clock, stream, progress } = plain({ total: 1000, plainSeconds: 0.001 });
    const go = (from: number, to: number, milliseconds: number): void => {
      for (let step = from; step <= to; step++) {
        clock.advance(milliseconds);
        progress.update(step);
      }
    };
    go(1, 100, 100);
    go(101, 120, 2000);
    expect(stream.written.at(-1)).toContain('2 s/step · 29:20 left');
  });

  it('gives the rate in work done, and counts a resumed run from where it began', () => {
    const { clock, stream, progress } = plain({ start: 50, workPerStep: 2048, workUnit: 'bytes', plainSeconds: 0.001 });
    for (let step = 51; step <= 60; step++) {
      clock.advance(1000);
      progress.update(step);
    }
    expect(stream.written.at(-1)).toBe('training   60 %  60/100  2,048 bytes/s · 40 s left\n');
  });

  it('shows memory, words and numbers of every kind', () => {
    const { clock, stream, progress } = plain({ memory: true });
    clock.advance(1000);
    progress.update(29, {
      loss: NaN,
      gradientNorm: 1234.5678,
      note: 'two\nlines',
      skipped: undefined,
      tokensSeen: 1e6,
    });
    expect(stream.written[0]).toMatch(
      /^training {3}29 % {2}29\/100 {2}loss NaN · grad norm 1,235 · note two lines · tokens seen 1,000,000 · 29 steps\/s · 2 s left · [\d.,]+ [KMG]iB\n$/,
    );
  });

  it('writes notes between, and nothing after its end', () => {
    const { stream, progress } = plain();
    progress.note('saved step 5');
    progress.end();
    progress.end();
    progress.update(7);
    progress.note('late');
    expect(stream.written).toEqual(['saved step 5\n', 'training    0 %  0/100  took 0 s\n']);
  });

  it('never throws because nobody reads', () => {
    const stream = { write: () => { throw new Error('EPIPE'); } }; // prettier-ignore
    for (const more of [{}, { isTTY: true, columns: 80 }]) {
      const progress = createProgress({ total: 2, output: { stream: { ...stream, ...more } } });
      progress.update(1, { loss: 1 });
      progress.update(NaN);
      progress.note('x');
      progress.end();
    }
  });

  it('refuses bad options', async () => {
    const make = (options: unknown) => () => createProgress(options as ProgressOptions);
    await expectError(make({}), 'E_OPTION', /total of createProgress is undefined/);
    await expectError(make({ total: -1 }), 'E_OPTION', /total .* -1/);
    await expectError(
      make({ total: 5, steps: 3 }),
      'E_OPTION',
      /no option "steps"; did you mean 'start'\?|no option "steps"/,
    );
    await expectError(make({ total: 5, label: 3 }), 'E_OPTION', /label .* 3/);
    await expectError(make({ total: 5, workPerStep: 0 }), 'E_OPTION', /workPerStep .* 0/);
  });
});

describe('terminal progress', () => {
  it('draws one line in place, within the width, and a line break at the end', () => {
    for (const columns of [20, 49, 60, 100, 200]) {
      const stream = fakeStream({ isTTY: true, columns });
      const clock = fakeClock();
      const progress = createProgress({
        total: 10,
        label: 'training',
        output: { stream, now: clock.now, environment: 'terminal' },
      });
      for (let step = 1; step <= 10; step++) {
        clock.advance(1000);
        progress.update(step, { loss: 1.2345 });
      }
      progress.note('saved');
      progress.end();
      const output = stream.written.join('');

      const lines = output.split(/[\r\n]/).map((line) => line.replace(/\x1b\[\d*K/g, ''));
      for (const line of lines) expect([...line].length).toBeLessThan(columns);
      expect(output).toContain('saved\n');
      expect(output.endsWith('\n')).toBe(true);
      const last = lines.filter((line) => line !== '').at(-1)!;
      if (columns >= 60) expect(last).toMatch(/^training ━+ 100 % 10\/10 loss 1\.234/);
      if (columns >= 100) expect(last).toMatch(/1 steps\/s · took 10 s · [\d.]+ [MG]iB$/);
      if (columns < 50) expect(last).not.toContain('━');
    }
  });

  it('draws at most about ten times a second, however often it is told', () => {
    const stream = fakeStream({ isTTY: true, columns: 100 });
    const progress = createProgress({ total: 1e6, memory: false, output: { stream, environment: 'terminal' } });
    for (let step = 1; step <= 20_000; step++) progress.update(step);
    const drawings = stream.written.filter((text) => text.startsWith('progress')).length;
    expect(drawings).toBeGreaterThan(0);
    expect(drawings).toBeLessThan(100);
    progress.end();
  });

  it('lets the process end when it was not ended itself', async () => {
    const { spawnSync } = await import('node:child_process');
    const { build } = await import('esbuild');
    const path = await import('node:path');
    const entry = path.join(__dirname, '../src/progress/create-progress.ts');
    const registry = path.join(__dirname, '../../registry/src/index.ts');
    const bundle = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      alias: { '@tesserae/registry': registry },
    });
    const program = `${bundle.outputFiles[0].text};
      module.exports.createProgress({ total: 5, output: { environment: 'terminal', stream: { write() {}, isTTY: true } } }).update(1);`;
    const { status, signal, stderr } = spawnSync(process.execPath, ['-'], {
      input: program,
      timeout: 20_000,
      encoding: 'utf8',
    });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  });
});

describe('notebook progress', () => {
  it('draws in one place, at most five times a second, and well-formed HTML', () => {
    const notebook = fakeNotebook();
    const clock = fakeClock();
    const progress = createProgress({ total: 100, label: 'a <b> & c', output: { notebook, now: clock.now } });
    for (let step = 1; step <= 100; step++) {
      clock.advance(50);
      progress.update(step, { '<loss>': 1 });
    }
    progress.note('saved <here>');
    progress.end();
    expect(notebook.places.length).toBe(1);
    const drawings = notebook.places[0];
    expect(drawings.length).toBe(26);
    for (const html of drawings) wellFormedTexts(html);
    const last = wellFormedTexts(drawings.at(-1)!);
    for (const text of ['a <b> & c', '<loss>', '100 / 100 (100 %)', 'saved <here>', '20 steps/s', '5 s'])
      expect(last).toContain(text);
    expect(drawings.at(-1)).toContain('width:100.0%');
  });

  it('survives a notebook that fails', () => {
    const notebook = { newDisplay: () => ({ html: () => { throw new Error('Not ready'); } }), display: { html() {} } }; // prettier-ignore
    const progress = createProgress({ total: 2, output: { notebook } });
    progress.update(1);
    progress.end();
  });
});
